"""What a diagnosis says: findings, each a root cause with the evidence for it and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from nocarrier.model.action import NextAction
from nocarrier.model.probe import NOT_KNOWN, Looks
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Text
from nocarrier.model.wording.word import DefinedWord


class Severity(DefinedWord):
    """How much a finding matters, the worst first."""

    CRITICAL = "critical", "The node cannot do its work, or soon will not."
    WARNING = "warning", "Somebody should act, but the node works for now."
    INFO = "info", "Usual in any network, and good to know. A node with nothing worse is healthy."

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class HealthStatus(DefinedWord):
    """What a diagnosis comes to."""

    HEALTHY = "healthy", "Nothing above info was found, and enough was seen to say so."
    UNHEALTHY = "unhealthy", "Something above info was found."
    UNDETERMINED = (
        "undetermined",
        "Too early to tell: not enough was seen yet, or no peer is connected and nothing explains why.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One statement that speaks for a finding."""

    statement: Text
    """For people."""
    count: int
    """How many distinct peers, or whatever the statement counts."""
    addrs: tuple[str, ...] = ()
    """Up to five of them."""
    event_ids: tuple[int, ...] = ()
    """`seq` of the events behind it, as many as there are addresses."""
    run: str | None = None
    """The run of the program that numbered them; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One root cause that is active."""

    code: str
    """Name of the cause."""
    title: Text
    """A headline that names its subject. It may change while the finding is active; `code` does not."""
    severity: Severity
    blame: Blame
    summary: Text
    """One sentence with the numbers of this case."""
    confidence: float
    """0 to 1, from how many distinct peers and netgroups say so."""
    evidence: tuple[EvidenceItem, ...]
    affected_peers: int
    """Distinct addresses that this keeps us from."""
    affected_dials: int
    """Their failed dials since they last worked."""
    next_actions: tuple[NextAction, ...]
    """What an operator can do now, the most useful first."""
    since_unix: float
    """When it was first found in an unbroken row of diagnoses."""
    looks: Looks = NOT_KNOWN
    """Which probes can tell more about it. Neither kept nor shown."""
    hides: tuple[str, ...] = ()
    """Codes of causes that would be found if this one did not explain their evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The findings of one instant, worst first."""

    at_unix: float
    status: HealthStatus
    status_detail: str | None = None
    """Why it is undetermined, in one sentence; null otherwise."""
    healthy: bool = field(init=False)
    """Whether `status` is healthy."""
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        """Derive `healthy`, so that the two cannot disagree."""
        object.__setattr__(self, "healthy", self.status is HealthStatus.HEALTHY)
