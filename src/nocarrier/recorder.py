"""The one-line functions, bound to the tracker that a whole program shares."""

from __future__ import annotations

from nocarrier.dialing import AddressPolicy, Dial, DialOptions, Resolve, resolve_with_system
from nocarrier.model.event import DialFailure
from nocarrier.model.ports import DialRecorder
from nocarrier.tracking import DialTracker

_global_tracker = DialTracker()


def global_tracker() -> DialTracker:
    """The tracker in which the functions of this package record unless another one is passed."""
    return _global_tracker


record_dial_failure = _global_tracker.record
"""Record a failed dial or a skip in the global tracker; never raises: `record_dial_failure(addr, reason, source)`.

It is the tracker's own method, because a function in between would add a sixth to the cost. See `DialTracker.record`
for the other arguments, such as `detail` and `via`.
"""


def record_dial_success(addr: str, source: str, *, via: str | None = None, duration_s: float | None = None) -> None:
    """Record in the global tracker a dial that reached its session. Never raises."""
    _global_tracker.record_success(addr, source, via=via, duration_s=duration_s)


def get_dial_failures(
    *,
    limit: int = 100,
    reason: str | None = None,
    source: str | None = None,
    addr: str | None = None,
    since_unix: float | None = None,
) -> list[DialFailure]:
    """The newest matching entries of the global tracker, oldest first."""
    return _global_tracker.recent(limit, reason=reason, source=source, addr=addr, since_unix=since_unix)


def dial(
    addr: str,
    source: str = "direct",
    *,
    via: str | None = None,
    tracker: DialRecorder | None = None,
    policy: AddressPolicy | None = None,
    resolve: Resolve = resolve_with_system,
) -> Dial:
    """Dial a peer and record exactly one outcome; see `nocarrier.dialing.Dial`.

    ```python
    async with nocarrier.dial("203.0.113.7:7072", source="seed") as d:
        reader, writer = await d.connect(timeout_s=10)
        async with d.phase("handshake", timeout_s=36):
            await my_handshake(reader, writer)
    ```

    Args:
        addr: the address to dial, as host:port, or [host]:port for an IPv6 address.
        source: who gave us the address.
        via: which peer gave us the address.
        tracker: where to record; None is the global tracker.
        policy: which addresses may be dialed; None allows all.
        resolve: how names become addresses; by default the system's resolver.
    """
    options = DialOptions(policy=policy, resolve=resolve)
    return Dial(addr, source, via=via, recorder=tracker or _global_tracker, options=options)
