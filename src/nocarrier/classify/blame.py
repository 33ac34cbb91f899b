"""Whose fault it is, from evidence. Where the evidence does not tell, the answer is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Blame, Reason

LATE_LOOP_S = 1.0
"""An event loop that was this late when a handshake deadline fired could have missed the answer. A healthy loop is late
by milliseconds; a second is a tenth of the usual deadlines."""


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
    return isinstance(lag_s, int | float) and lag_s >= LATE_LOOP_S


def _handshake_deadline(evidence: Evidence) -> Blame:
    return Blame.US if _loop_was_late(evidence) else Blame.THEM


def _connect_deadline(evidence: Evidence) -> Blame:
    if _loop_was_late(evidence) or evidence.get("decided_by") == "local":
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
    Reason.HANDSHAKE_TIMEOUT: _handshake_deadline,
    Reason.VERSION_MISMATCH: _older_version,
    Reason.TICKET_INVALID: _ticket,
}


def blame_for(reason: Reason, evidence: Evidence) -> Blame:
    """Whose fault a `reason` with this `evidence` is."""
    decide = _FROM_EVIDENCE.get(reason)
    return decide(evidence) if decide else reason.blame
