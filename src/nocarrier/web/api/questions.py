"""What requests may ask: the query parameters and JSON bodies of all routes, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from nocarrier.errors import PlaceError
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.event_filter import EventFilter
from nocarrier.model.history import EventPlace, EventQuery, SeriesBy
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.model.word import Word

LATEST_UNIX = 253_402_300_799
"""The last second of the year 9999; later, dates have no agreed form (RFC 3339)."""

LARGEST_SEQ = 2**53 - 1
"""Beyond it JavaScript cannot count (ECMA-262, Number.MAX_SAFE_INTEGER)."""

MAX_CURSOR_LENGTH = 64

MINUTE_S = 60

EntryKind: TypeAlias = Literal["failure", "cancelled", "skip", "disconnect"]
"""The kinds of events that make an entry; beginnings and successes make none."""

ReasonWanted: TypeAlias = Annotated[Reason, Meta(description="Only this reason.")] | None
SourceWanted: TypeAlias = Annotated[Source, Meta(description="Only addresses that came from here.")] | None
AddrWanted: TypeAlias = Annotated[str, Meta(max_length=MAX_ADDRESS_LENGTH, description="Only this address.")] | None
ViaWanted: TypeAlias = Annotated[str, Meta(max_length=300, description="Only addresses that this peer told us.")] | None
PhaseWanted: TypeAlias = Annotated[Phase, Meta(description="Only what ended in this phase.")] | None
EventKindsWanted: TypeAlias = (
    Annotated[tuple[Kind, ...], Meta(description="Only events of these kinds.", min_length=1)] | None
)
SinceUnix: TypeAlias = (
    Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only at or after this time, in Unix seconds.")] | None
)
UntilUnix: TypeAlias = (
    Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only before this time, in Unix seconds.")] | None
)


class NoQuery(msgspec.Struct, frozen=True):
    """A route without query parameters."""


class RedactQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the answer is for others' eyes."""

    redact: Annotated[
        bool, Meta(description="Mask addresses, names and identities, so that the answer can be shared.")
    ] = False


class FailuresQuery(RedactQuery, frozen=True, kw_only=True):
    """Which failures to show; what is not given does not filter."""

    reason: ReasonWanted = None
    source: SourceWanted = None
    addr: AddrWanted = None
    via: ViaWanted = None
    phase: Annotated[Phase, Meta(description="Only failures in this phase.")] | None = None
    kind: (
        Annotated[
            tuple[EntryKind, ...],
            Meta(description="Only failures, skips, cancellations or early disconnects.", min_length=1),
        ]
        | None
    ) = None
    since_unix: SinceUnix = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Show at most this many `failures`, the newest.")] = 100

    @property
    def entries(self) -> EventFilter:
        """Which entries these are, however many."""
        return msgspec.convert(self, EventFilter, from_attributes=True)


class PropagationQuery(RedactQuery, frozen=True, kw_only=True):
    """Whose chain to show."""

    addr: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="How this address came to us: host:port."),
        ]
        | None
    ) = None


class StreamQuery(RedactQuery, frozen=True, kw_only=True):
    """Where the live stream begins."""

    last_event_id: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=LARGEST_SEQ,
                description="Go on behind this event, as far as it is kept; the header Last-Event-ID says the same.",
            ),
        ]
        | None
    ) = None
    start_id: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="`start_id` of the status that came with that event: if the program was restarted since, "
                "that is announced as a gap, though it may have counted past that event already.",
            ),
        ]
        | None
    ) = None


class Order(Word):
    """In which order the history is read."""

    DESC = "desc"
    """Newest first."""
    ASC = "asc"
    """As the events were written, to follow the history from an `after` to the next."""


class HistoryQuery(RedactQuery, frozen=True, kw_only=True):
    """Which events to show; what is not given does not filter."""

    order: Annotated[
        Order,
        Meta(
            description="`desc`: newest first. `asc`: all events in the order in which they were written, over all "
            "runs; goes with `after` and `limit`, and with no filter."
        ),
    ] = Order.DESC
    after: (
        Annotated[
            str,
            Meta(
                max_length=MAX_CURSOR_LENGTH,
                description="RUN:SEQ, such as `next_after` of the answer before: go on behind this event. Without it, "
                "`asc` begins with the oldest.",
            ),
        ]
        | None
    ) = None

    kind: EventKindsWanted = None
    reason: ReasonWanted = None
    source: SourceWanted = None
    phase: PhaseWanted = None
    addr: AddrWanted = None
    via: ViaWanted = None
    since_unix: SinceUnix = None
    until_unix: UntilUnix = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Show at most this many, the first in this order.")] = 100
    cursor: (
        Annotated[str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the page before this one.")]
        | None
    ) = None

    @property
    def events(self) -> EventQuery:
        """The same, as the history is asked."""
        return msgspec.convert(self, EventQuery, from_attributes=True)

    @property
    def place(self) -> EventPlace | None:
        """Where a follower is; None: at the beginning.

        Raises:
            PlaceError: `after` names no place, or what is asked for besides cannot be had in this order.
        """
        if self.order is Order.DESC:
            raise PlaceError("after goes with order=asc; for the next page of order=desc there is cursor.")
        others = [name for name in _NOT_IN_ORDER if getattr(self, name) is not None]
        if others:
            raise PlaceError(f"order=asc goes with after and limit, and not with {', '.join(others)}.")
        return None if self.after is None else EventPlace.parse(self.after)


_NOT_IN_ORDER = sorted(
    set(HistoryQuery.__struct_fields__) - {"order", "after", "limit", *RedactQuery.__struct_fields__},
    key=HistoryQuery.__struct_fields__.index,
)
"""What filters or pages the newest events: a follower gets all, so that it can tell what is missing."""


class HistorySeriesQuery(RedactQuery, frozen=True, kw_only=True):
    """Which events to count, and how; what is not given does not filter."""

    since_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Beginning, in Unix seconds; an hour before the end.")]
        | None
    ) = None
    until_unix: Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="End, in Unix seconds; now.")] | None = None
    bucket_s: (
        Annotated[
            int,
            Meta(
                ge=MINUTE_S,
                le=LATEST_UNIX,
                multiple_of=MINUTE_S,
                description="Width of a bucket in seconds, whole minutes; such that there are some sixty.",
            ),
        ]
        | None
    ) = None
    by: Annotated[SeriesBy, Meta(description="What tells one line from another.")] = SeriesBy.REASON
    kind: EventKindsWanted = None
    reason: ReasonWanted = None
    source: SourceWanted = None
    phase: PhaseWanted = None


class PastFindingsQuery(RedactQuery, frozen=True, kw_only=True):
    """Which findings of the past to show."""

    since_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only those active at or after this time.")] | None
    ) = None
    until_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="Only those that began before this time.")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Show at most this many, those that began last.")] = 100


class ConnectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to dial."""

    peer_addr: Annotated[
        str, Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="host:port, an IPv6 address as [host]:port")
    ]
    wait: Annotated[bool, Meta(description="Answer when the dial has ended; else at once.")] = True


class ProbeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which finding to look into."""

    code: Annotated[str, Meta(min_length=1, max_length=100, description="Code of an active finding.")]
