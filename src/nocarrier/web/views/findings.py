"""Findings, and what probes say of them, as they are shown: each sentence finished, and as a template with its values.

What is shown depends on the reader: actions that make sense for the program in question, the URL that was asked in
their commands, and, where an answer is to be shared, masks in place of all values that tell who a peer is. Values are
masked by their kind before sentences are made of them, so that nobody has to search these for addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nocarrier.model.action import DEFAULT_URL, NextAction, ProgramKind
from nocarrier.model.finding import Diagnosis, EvidenceItem, Finding, HealthStatus, Severity
from nocarrier.model.history import EndedBy, StoredFinding
from nocarrier.model.probe import ProbeFacts, ProbeResult, Statement
from nocarrier.model.taxonomy import Blame
from nocarrier.model.text import Mask, Text, ValueKind
from nocarrier.web.views.redaction import MadeOfValues, Masked, masks_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom findings are shown."""

    program: ProgramKind
    """Which kind of program they are about."""
    url: str = DEFAULT_URL
    """By which the API was asked, without a slash at its end."""
    is_masked: bool = False
    """Whether to mask addresses, names and identities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueView:
    """One value in a sentence."""

    kind: ValueKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """A sentence whose values can be told from its words."""

    template: str
    """With a `{name}` for each value; braces of the sentence itself are doubled."""
    values: Mapping[str, ValueView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """What somebody can do about a finding."""

    text: str
    """A sentence."""
    words: TextView
    """The same sentence."""
    command: str | None
    """One line for a POSIX shell that can be run as it is."""
    settings: str | None
    """Lines for the configuration file (TOML)."""
    applies_to: tuple[ProgramKind, ...]
    """Kinds of programs whose operators can do it."""

    @property
    def lines(self) -> list[str]:
        """What can be copied: the command, or the settings."""
        return [*([self.command] if self.command else []), *(self.settings or "").splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """One statement that speaks for a finding."""

    statement: str
    """For people. May quote a peer: hostile."""
    statement_text: TextView
    """The same statement."""
    count: int
    """How many distinct peers, or whatever the statement counts."""
    addrs: tuple[str, ...]
    """Up to five of them."""
    event_ids: tuple[int, ...]
    """`seq` of the events behind it, as many as there are addresses."""
    run: str | None
    """The run of the program that numbered them; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView(MadeOfValues):
    """One root cause that is active."""

    code: str
    """Name of the cause."""
    title: str
    """What the cause says, without numbers."""
    severity: Severity
    blame: Blame
    summary: str
    """One sentence with the numbers of this case. May quote a peer: hostile."""
    summary_text: TextView
    """The same sentence."""
    confidence: float
    """0 to 1, from how many distinct peers and netgroups say so."""
    evidence: tuple[EvidenceView, ...]
    affected_peers: int
    """Distinct addresses that this keeps us from."""
    affected_dials: int
    """Their failed dials since they last worked."""
    next_actions: tuple[ActionView, ...]
    """What an operator of this kind of program can do now, the most useful first."""
    since_unix: float
    """When it was first found in an unbroken row of diagnoses."""
    hides: tuple[str, ...]
    """Codes of causes that would be found if this one did not explain their evidence."""


class MaskedFindingView(FindingView, Masked):
    """A finding for others' eyes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisView:
    """The findings of one instant, worst first."""

    at_unix: float
    status: HealthStatus
    status_detail: str | None
    """Why it is undetermined, in one sentence; null otherwise."""
    healthy: bool
    """Whether `status` is healthy."""
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFindingView:
    """A finding with its beginning and end."""

    id: int
    """Its place in the history, over all starts of the program."""
    run: str
    """In which run of the program it began: 32 lower-case hex digits."""
    began_unix: float
    ended_unix: float | None
    """None: it is active."""
    ended_by: EndedBy | None
    worst_severity: Severity
    finding: FindingView
    """As it was last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView(MadeOfValues):
    """One thing that the facts of a probe say."""

    text: str
    """For people."""
    words: TextView
    """The same sentence."""
    addr: str | None
    """Which peer it is about; None: this machine, or all of them."""
    suggests: str | None
    """Code of the cause that it speaks for."""


class MaskedStatementView(StatementView, Masked):
    """A statement for others' eyes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeView:
    """What probing one finding gave."""

    code: str
    """The finding's."""
    probed_unix: float
    age_s: float
    """0 for a new one; else how long ago it was made, as a finding is probed at most once a minute."""
    duration_s: float
    statements: tuple[StatementView, ...]
    facts: ProbeFacts


def diagnosis_view(diagnosis: Diagnosis, reader: Reader) -> DiagnosisView:
    """A diagnosis for `reader`."""
    return DiagnosisView(
        at_unix=diagnosis.at_unix,
        status=diagnosis.status,
        status_detail=diagnosis.status_detail,
        healthy=diagnosis.healthy,
        findings=findings_view(diagnosis.findings, reader),
    )


def findings_view(findings: Iterable[Finding], reader: Reader) -> tuple[FindingView, ...]:
    """Findings for `reader`."""
    return tuple(finding_view(finding, reader) for finding in findings)


def finding_view(finding: Finding, reader: Reader) -> FindingView:
    """One finding for `reader`."""
    mask = masks_for(_addresses_in(finding)) if reader.is_masked else _as_it_is
    summary = finding.summary.masked(mask)
    return (MaskedFindingView if reader.is_masked else FindingView)(
        code=finding.code,
        title=finding.title,
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
    """A finding of the past for `reader`."""
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
    """What a probe gave for `reader`."""
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
    """A sentence with its values."""
    values = {name: ValueView(kind=value.kind, text=value.text) for name, value in text.values.items()}
    return TextView(template=text.template, values=values)


def _as_it_is(_kind: ValueKind, text: str) -> str:
    return text


def _addresses_in(finding: Finding) -> set[str]:
    """Addresses and hosts that the finding names; a text that it quotes may name them too."""
    texts = (finding.summary, *(item.statement for item in finding.evidence))
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
