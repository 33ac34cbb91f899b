"""Findings and results of probes as they are shown: each sentence both finished and as a template with its values.

They depend on the reader. Only actions that make sense for the program are included, their commands contain the URL
that the reader used, and in an answer to be shared all values that identify a peer are masked. Values are masked by
their kind before they are put into sentences, so that finished sentences need not be searched for addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nocarrier.model.action import DEFAULT_URL, NextAction, ProgramKind
from nocarrier.model.finding import Diagnosis, EvidenceItem, Finding, HealthStatus, Severity
from nocarrier.model.history import EndedBy, StoredFinding
from nocarrier.model.probe import ProbeFacts, ProbeResult, Statement
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Mask, Text, ValueKind
from nocarrier.web.views.redaction import MadeOfValues, Masked, masks_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads findings, which decides how they are shown."""

    program: ProgramKind
    """The kind of program that the findings are about."""
    url: str = DEFAULT_URL
    """The URL at which the reader uses the API, without a slash at the end."""
    is_masked: bool = False
    """Whether to mask addresses, names and identities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueView:
    """One value in a sentence."""

    kind: ValueKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """A sentence that keeps its values apart from its words."""

    template: str
    """The sentence with `{name}` in place of each value; braces of the sentence itself are doubled."""
    values: Mapping[str, ValueView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """Something that an operator can do about a finding."""

    text: str
    """A sentence."""
    words: TextView
    """The same sentence."""
    command: str | None
    """One line for a POSIX shell, to be run as it is."""
    settings: str | None
    """Lines for the configuration file (TOML)."""
    applies_to: tuple[ProgramKind, ...]
    """Kinds of programs that the action makes sense for."""

    @property
    def lines(self) -> list[str]:
        """The lines to copy: the command, or the settings."""
        return [*([self.command] if self.command else []), *(self.settings or "").splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """One statement that supports a finding."""

    statement: str
    """The statement for people. It may quote a peer, so treat it as hostile."""
    statement_text: TextView
    """The same statement."""
    count: int
    """How many distinct peers, or other things that the statement counts."""
    addrs: tuple[str, ...]
    """Up to five of them."""
    event_ids: tuple[int, ...]
    """`seq` of the events behind the statement, one for each address."""
    run: str | None
    """The run that the events belong to; None: there are no events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView(MadeOfValues):
    """One cause that is active."""

    code: str
    """The name of the cause."""
    title: str
    """A headline that names its subject and may change while the finding is active. It may contain an address that a
    peer made up, so treat it as hostile."""
    severity: Severity
    blame: Blame
    summary: str
    """One sentence with the numbers of this case. It may quote a peer, so treat it as hostile."""
    summary_text: TextView
    """The same sentence."""
    confidence: float
    """How sure the doctor is, from 0 to 1: it depends on how many unrelated peers and netgroups show the same."""
    evidence: tuple[EvidenceView, ...]
    affected_peers: int
    """How many distinct addresses this node cannot reach because of it."""
    affected_dials: int
    """How many dials to those addresses have failed since each last worked."""
    next_actions: tuple[ActionView, ...]
    """What the operator of this kind of program can do now, the most useful first."""
    since_unix: float
    """Since when every diagnosis has found it."""
    hides: tuple[str, ...]
    """Codes of causes that are not listed because this finding explains their evidence."""


class MaskedFindingView(FindingView, Masked):
    """A finding that is masked for sharing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisView:
    """The findings of one moment, the worst first."""

    at_unix: float
    status: HealthStatus
    status_detail: str | None
    """Why the status is undetermined, in one sentence; null for the other statuses."""
    healthy: bool
    """Whether `status` is `healthy`."""
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFindingView:
    """A finding with when it began and ended."""

    id: int
    """Its number in the history, unique across runs."""
    run: str
    """The run in which it began: 32 lower-case hex digits."""
    began_unix: float
    ended_unix: float | None
    """None: it is still active."""
    ended_by: EndedBy | None
    worst_severity: Severity
    finding: FindingView
    """The finding as it was last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView(MadeOfValues):
    """One thing that a probe found."""

    text: str
    """The sentence for people."""
    words: TextView
    """The same sentence."""
    addr: str | None
    """The peer that it is about; None: it is about this machine, or about all peers."""
    suggests: str | None
    """Code of the cause that it supports."""


class MaskedStatementView(StatementView, Masked):
    """A statement that is masked for sharing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeView:
    """The result of probing one finding."""

    code: str
    """Code of the finding."""
    probed_unix: float
    age_s: float
    """How old the result is: 0 if the probe was just made. A finding is probed at most once a minute."""
    duration_s: float
    statements: tuple[StatementView, ...]
    facts: ProbeFacts


def diagnosis_view(diagnosis: Diagnosis, reader: Reader) -> DiagnosisView:
    """Return a diagnosis for `reader`."""
    return DiagnosisView(
        at_unix=diagnosis.at_unix,
        status=diagnosis.status,
        status_detail=diagnosis.status_detail,
        healthy=diagnosis.healthy,
        findings=findings_view(diagnosis.findings, reader),
    )


def findings_view(findings: Iterable[Finding], reader: Reader) -> tuple[FindingView, ...]:
    """Return findings for `reader`."""
    return tuple(finding_view(finding, reader) for finding in findings)


def finding_view(finding: Finding, reader: Reader) -> FindingView:
    """Return one finding for `reader`."""
    mask = masks_for(_addresses_in(finding)) if reader.is_masked else _as_it_is
    summary = finding.summary.masked(mask)
    return (MaskedFindingView if reader.is_masked else FindingView)(
        code=finding.code,
        title=str(finding.title.masked(mask)),
        severity=finding.severity,
        blame=finding.blame,
        summary=str(summary),
        summary_text=text_view(summary),
        confidence=finding.confidence,
        evidence=tuple(_evidence_view(item, mask) for item in finding.evidence),
        affected_peers=finding.affected_peers,
        affected_dials=finding.affected_dials,
        next_actions=tuple(
            _action_view(action.asked_at(reader.url).masked(mask))
            for action in finding.next_actions
            if reader.program in action.applies_to
        ),
        since_unix=finding.since_unix,
        hides=finding.hides,
    )


def past_finding_view(stored: StoredFinding, reader: Reader) -> PastFindingView:
    """Return a past finding for `reader`."""
    return PastFindingView(
        id=stored.id,
        run=stored.run,
        began_unix=stored.began_unix,
        ended_unix=stored.ended_unix,
        ended_by=stored.ended_by,
        worst_severity=stored.worst_severity,
        finding=finding_view(stored.finding, reader),
    )


def probe_view(result: ProbeResult, reader: Reader) -> ProbeView:
    """Return the result of a probe for `reader`."""
    mask = masks_for(target.addr for target in result.facts.targets) if reader.is_masked else _as_it_is
    return ProbeView(
        code=result.code,
        probed_unix=result.probed_unix,
        age_s=result.age_s,
        duration_s=result.duration_s,
        statements=tuple(_statement_view(statement, mask, reader) for statement in result.statements),
        facts=result.facts,
    )


def text_view(text: Text) -> TextView:
    """Return a sentence with its values."""
    values = {name: ValueView(kind=value.kind, text=value.text) for name, value in text.values.items()}
    return TextView(template=text.template, values=values)


def _as_it_is(_kind: ValueKind, text: str) -> str:
    return text


def _addresses_in(finding: Finding) -> set[str]:
    """Return the addresses and hosts that the finding names, because texts that it quotes may name them too."""
    texts = (finding.title, finding.summary, *(item.statement for item in finding.evidence))
    said = {value.text for text in texts for value in text.values.values() if value.kind in _NAMING}
    return said.union(*(item.addrs for item in finding.evidence))


_NAMING = frozenset({ValueKind.ADDRESS, ValueKind.HOST})


def _evidence_view(item: EvidenceItem, mask: Mask) -> EvidenceView:
    statement = item.statement.masked(mask)
    return EvidenceView(
        statement=str(statement),
        statement_text=text_view(statement),
        count=item.count,
        addrs=tuple(mask(ValueKind.ADDRESS, addr) for addr in item.addrs),
        event_ids=item.event_ids,
        run=item.run,
    )


def _action_view(action: NextAction) -> ActionView:
    return ActionView(
        text=str(action.text),
        words=text_view(action.text),
        command=None if action.command is None else str(action.command),
        settings=None if action.settings is None else str(action.settings),
        applies_to=action.applies_to,
    )


def _statement_view(statement: Statement, mask: Mask, reader: Reader) -> StatementView:
    text = statement.text.masked(mask)
    return (MaskedStatementView if reader.is_masked else StatementView)(
        text=str(text),
        words=text_view(text),
        addr=statement.addr and mask(ValueKind.ADDRESS, statement.addr),
        suggests=statement.suggests,
    )
