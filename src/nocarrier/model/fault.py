"""A fault: why one attempt or one dial failed, with the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from nocarrier.model.taxonomy import Blame, Phase, Reason


class IcmpEvidence(TypedDict):
    """The ICMP or ICMPv6 error that ended an attempt, and which hop sent it."""

    type: int
    code: int
    hop: str


class Evidence(TypedDict, total=False):
    """What is known about a fault, and nothing else: an absent key means unknown, never no.

    What each key means stands in `model.evidence.EVIDENCE_KEYS`.
    """

    errno: str
    decided_by: str
    icmp: IcmpEvidence
    no_neighbour: bool
    syn_retransmits: int
    elapsed_s: float
    bytes_received: int
    first_bytes: str
    speaks: str
    ours: object
    theirs: object
    ticket: str
    stated_by: str
    until_unix: float
    because: str
    loop_lag_s: float
    limit: int
    in_use: int
    unacknowledged: int
    data_retransmits: int
    large_segments_lost: str
    connect_attempts: int
    resolved_to: list[str]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why an attempt or a dial failed."""

    reason: Reason
    phase: Phase
    blame: Blame
    detail: str | None = None
    """Text for people. May come from a peer: hostile."""
    evidence: Evidence = field(default_factory=Evidence)
