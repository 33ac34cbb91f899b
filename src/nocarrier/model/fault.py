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
    """What is known about a fault, and nothing else: an absent key means unknown, never no."""

    errno: str
    """Name, such as ECONNREFUSED."""
    decided_by: str
    """local: this machine refused; network: the answer came back."""
    icmp: IcmpEvidence
    no_neighbour: bool
    """True: nobody answered for the next hop's address on the link (ARP or neighbour discovery)."""
    syn_retransmits: int
    """How many further SYNs the kernel sent without an answer."""
    elapsed_s: float
    bytes_received: int
    first_bytes: str
    """Hex, at most 32 bytes."""
    speaks: str
    """http, tls, ssh, bitcoin, multistream ..."""
    ours: object
    theirs: object
    """The two values that do not match."""
    ticket: str
    """missing, expired, not_yet_valid, bad_signature or wrong_subject."""
    stated_by: str
    """us or remote: whose verdict the reason is."""
    until_unix: float
    because: str
    """Which reason set the backoff that lasts until `until_unix`."""
    loop_lag_s: float
    """How late our own event loop was when the deadline fired, or how long it stood still while the peer waited."""
    limit: int
    """How many of what ran out there can be: file descriptors of this process, or local ports to dial from."""
    in_use: int
    """How many were in use: descriptors, or TCP sockets of this machine, TIME_WAIT included."""
    unacknowledged: int
    """Segments of ours that the peer's kernel never confirmed. 0: it has them all, and its program does not answer."""
    data_retransmits: int
    """How many segments were sent again on the connection that stood."""
    large_segments_lost: str
    """sent or received: in that direction small segments arrive and large ones never do."""
    connect_attempts: int
    """How many connections were made within the handshake window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why an attempt or a dial failed."""

    reason: Reason
    phase: Phase
    blame: Blame
    detail: str | None = None
    """Text for people. May come from a peer: hostile."""
    evidence: Evidence = field(default_factory=Evidence)
