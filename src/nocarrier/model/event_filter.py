"""Which entries of the record somebody wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from nocarrier.model.event import DialFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What an entry must be; what is None does not filter."""

    reason: str | None = None
    source: str | None = None
    addr: str | None = None
    via: str | None = None
    """Which peer told us the address."""
    phase: str | None = None
    kind: tuple[str, ...] | None = None
    """Any of these."""
    since_unix: float | None = None
    """At or after this time."""

    def matches(self, entry: DialFailure) -> bool:
        """Whether `entry` is wanted."""
        return (
            self.reason in {None, entry.reason}
            and self.source in {None, entry.source}
            and self.addr in {None, entry.addr}
            and self.via in {None, entry.via}
            and self.phase in {None, entry.phase}
            and (self.kind is None or entry.kind in self.kind)
            and (self.since_unix is None or entry.at_unix >= self.since_unix)
        )
