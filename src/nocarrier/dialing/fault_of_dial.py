"""Why a dial failed: what its exception says, plus what the connection and our own event loop showed.

All evidence is collected before anybody is blamed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from nocarrier.classification import Explanation, blame_for, describe
from nocarrier.dialing.streams import EvidenceReader
from nocarrier.host.loop_monitor import NOTED_LAG_S
from nocarrier.host.tcp_info import handshake_evidence, last_heard_s
from nocarrier.model import bounds
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason

_WAITED_IN_VAIN = frozenset({Reason.HANDSHAKE_TIMEOUT, Reason.REMOTE_CLOSED, Reason.CONNECTION_RESET})
"""Either side may have timed out waiting for the other, so it matters whether our own loop stalled and whether our
bytes arrived."""


def never_connected(phase: Phase) -> Fault:
    """The fault of a block that ended without an error and without a connection."""
    detail = "the block ended without a call of connect()"
    return Fault(reason=Reason.CANCELLED, phase=phase, blame=Blame.NONE, detail=detail)


def not_classified(error: Exception, phase: Phase) -> Fault:
    """The fault of a dial whose exception or evidence made our classification raise: nobody is blamed."""
    detail = f"could not be classified: {describe(error)}"
    return Fault(reason=Reason.OTHER, phase=phase, blame=Blame.NONE, detail=detail)


def complete(found: Explanation, stated: Evidence, seen: Evidence) -> Fault:
    """The fault that an exception indicates, with all evidence.

    Args:
        found: what the exception says.
        stated: what the caller adds; bounded here, because it may come from anywhere.
        seen: what we saw of the connection; what the caller stated takes precedence.
    """
    bounded = bounds.evidence(cast("Evidence", {**stated, **found.evidence}))
    return found.fault(cast("Evidence", {**seen, **(bounded or {})}))


def connection_evidence(
    reason: Reason,
    reader: EvidenceReader,
    sock: socket.socket | None,
    *,
    large_segments_lost: str | None,
    lag_until: Callable[[float], Evidence],
) -> Evidence:
    """What a connection shows about the end of its dial.

    Args:
        reason: why the dial ended.
        reader: the reader that counted what the peer sent.
        sock: the connected socket; None if it is already closed.
        large_segments_lost: what an earlier connection of the same dial showed about the path.
        lag_until: returns `lag_evidence` of this connection up to the given number of seconds ago.
    """
    evidence = reader.evidence()
    if reason in _WAITED_IN_VAIN and sock is not None:
        if large_segments_lost is not None:
            evidence["large_segments_lost"] = large_segments_lost
        evidence.update(handshake_evidence(sock, reader.bytes_received))
        heard_s = last_heard_s(sock) if reason is Reason.REMOTE_CLOSED else None
        # A delay of ours after the peer had hung up did not make it hang up.
        evidence.update(lag_until(heard_s or 0.0))
    return evidence


def lag_evidence(late_s: float, since_s: float, until_s: float, stalled_s: Callable[[float], float] | None) -> Evidence:
    """How long our own event loop kept a peer waiting, if it was long enough to note.

    Args:
        late_s: how late the loop noticed the deadline.
        since_s: when the peer began to wait for us, in seconds of the loop's clock, like `until_s`.
        until_s: when the peer stopped waiting.
        stalled_s: see `DialOptions`.
    """
    if stalled_s is not None:
        late_s = max(late_s, stalled_s(since_s) - stalled_s(until_s))
    return Evidence(loop_lag_s=round(late_s, 3)) if late_s > NOTED_LAG_S else Evidence()


def with_lag(fault: Fault, lag: Evidence) -> Fault:
    """`fault`, a failure to connect, with what is known about our own event loop."""
    if not lag:
        return fault
    evidence = cast("Evidence", {**fault.evidence, **lag})
    return replace(fault, evidence=evidence, blame=blame_for(fault.reason, evidence))


def with_resolved(fault: Fault, resolved: Sequence[str]) -> Fault:
    """`fault` with the IP addresses that the name of the peer led to; the same if it was not a name."""
    if not resolved:
        return fault
    return replace(fault, evidence=cast("Evidence", {**fault.evidence, "resolved_to": list(resolved)}))
