"""Whose fault it is, from evidence. Where the evidence does not tell, the answer is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Reason

LATE_LOOP_S = 1.0
"""An event loop that stood still this long could have missed the answer, or kept the peer waiting until it gave up. A
healthy loop is late by milliseconds; and whoever has patience for one lost segment waits longer than a second, the
first timeout of a retransmission (RFC 6298 section 2)."""

LATE_SHARE = 0.1
"""A stall shorter than this share of the time that the dial took did not decide it. A loop that is late by a second now
and then would else take the blame off every peer that is mute for the 36 s of a handshake window."""


def _where_decided(answered: Blame) -> Callable[[Evidence], Blame]:
    """Ours where this machine decided, the path's where a router said so, else `answered`."""

    def decide(evidence: Evidence) -> Blame:
        if evidence.get("decided_by") == "local":
            return Blame.US
        if "icmp" in evidence or evidence.get("no_neighbour"):
            return Blame.PATH
        return answered if evidence.get("decided_by") == "network" else Blame.UNKNOWN

    return decide


def _loop_was_late(evidence: Evidence) -> bool:
    lag_s: object = evidence.get("loop_lag_s")  # a caller may have put anything there
    took_s: object = evidence.get("elapsed_s")
    if not isinstance(lag_s, int | float):
        return False
    return lag_s >= LATE_LOOP_S and (not isinstance(took_s, int | float) or lag_s >= LATE_SHARE * took_s)


def _once_connected(otherwise: Blame) -> Callable[[Evidence], Blame]:
    """Who let a connection end without an answer: the path, us who kept the peer waiting, or `otherwise`."""

    def decide(evidence: Evidence) -> Blame:
        if "large_segments_lost" in evidence:
            return Blame.PATH  # the kernels on both sides tried, whatever our loop did
        if evidence.get("unacknowledged") and evidence.get("data_retransmits"):
            return Blame.UNKNOWN  # not even the peer's kernel has our bytes: its host is gone, or the path drops them
        return Blame.US if _loop_was_late(evidence) else otherwise

    return decide


def _connect_deadline(evidence: Evidence) -> Blame:
    if evidence.get("decided_by") == "local":
        return Blame.US
    if evidence.get("syn_retransmits"):
        # The kernel keeps the time of a SYN, not our loop: nothing came, even after it was sent again. And a late loop
        # looks at what came before it looks at what is due.
        return Blame.PATH
    if _loop_was_late(evidence):
        return Blame.US
    # Where the kernel was asked and knows nothing against this machine, the silence is the path's.
    return Blame.PATH if "syn_retransmits" in evidence else Blame.UNKNOWN


def _older_version(evidence: Evidence) -> Blame:
    ours, theirs = evidence.get("ours"), evidence.get("theirs")
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return Blame.UNKNOWN
    our_range: Mapping[str, Any] = ours
    their_range: Mapping[str, Any] = theirs
    try:
        if our_range["max"] < their_range["min"]:
            return Blame.US
        if our_range["min"] > their_range["max"]:
            return Blame.THEM
    except (KeyError, TypeError):
        pass
    return Blame.UNKNOWN


def _ticket(evidence: Evidence) -> Blame:
    return Blame.THEM if evidence.get("stated_by") == "us" else Blame.US


_FROM_EVIDENCE: dict[Reason, Callable[[Evidence], Blame]] = {
    Reason.CONNECTION_REFUSED: _where_decided(Blame.THEM),
    Reason.TIMEOUT: _connect_deadline,
    Reason.NETWORK_UNREACHABLE: _where_decided(Blame.PATH),
    Reason.HOST_UNREACHABLE: _where_decided(Blame.PATH),
    Reason.HANDSHAKE_TIMEOUT: _once_connected(Blame.THEM),
    Reason.REMOTE_CLOSED: _once_connected(Blame.THEM),
    Reason.CONNECTION_RESET: _once_connected(Blame.UNKNOWN),
    Reason.VERSION_MISMATCH: _older_version,
    Reason.TICKET_INVALID: _ticket,
}


def blame_for(reason: Reason, evidence: Evidence) -> Blame:
    """Whose fault a `reason` with this `evidence` is."""
    decide = _FROM_EVIDENCE.get(reason)
    return decide(evidence) if decide else reason.blame
