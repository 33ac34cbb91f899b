"""The query parameters and JSON bodies of all routes, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from nocarrier.errors import PlaceError
from nocarrier.model.address import MAX_ADDRESS_LENGTH
from nocarrier.model.event_filter import EventFilter
from nocarrier.model.history import EventPlace, EventQuery, SeriesBy
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.model.wording.word import Word

LATEST_UNIX = 253_402_300_799
"""The last second of the year 9999. RFC 3339 cannot write later dates."""

LARGEST_SEQ = 2**53 - 1
"""Above this, numbers are not exact in JavaScript (ECMA-262, Number.MAX_SAFE_INTEGER)."""

MAX_CURSOR_LENGTH = 64

MINUTE_S = 60

EntryKind: TypeAlias = Literal["failure", "cancelled", "skip", "disconnect"]
"""The kinds of events that are entries; beginnings and successes are not."""

ReasonWanted: TypeAlias = Annotated[Reason, Meta(description="Only this reason.")] | None
SourceWanted: TypeAlias = Annotated[Source, Meta(description="Only addresses from this source.")] | None
AddrWanted: TypeAlias = Annotated[str, Meta(max_length=MAX_ADDRESS_LENGTH, description="Only this address.")] | None
ViaWanted: TypeAlias = (
    Annotated[str, Meta(max_length=300, description="Only addresses that this peer told this node.")] | None
)
PhaseWanted: TypeAlias = Annotated[Phase, Meta(description="Only dials that ended in this phase.")] | None
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
    """Whether to mask the answer for sharing."""

    redact: Annotated[
        bool, Meta(description="Mask addresses, names and identities, so that the answer can be shared.")
    ] = False


class FailuresQuery(RedactQuery, frozen=True, kw_only=True):
    """Which failures to show; a filter that is left out matches everything."""

    reason: ReasonWanted = None
    source: SourceWanted = None
    addr: AddrWanted = None
    via: ViaWanted = None
    phase: Annotated[Phase, Meta(description="Only failures in this phase.")] | None = None
    kind: (
        Annotated[
            tuple[EntryKind, ...],
            Meta(description="Only these kinds of entries.", min_length=1),
        ]
        | None
    ) = None
    since_unix: SinceUnix = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Show at most this many of the newest `failures`.")] = 100

    @property
    def entries(self) -> EventFilter:
        """The same filters, without `limit`."""
        return msgspec.convert(self, EventFilter, from_attributes=True)


class PropagationQuery(RedactQuery, frozen=True, kw_only=True):
    """For which address to show how it reached this node."""

    addr: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=MAX_ADDRESS_LENGTH,
                description="Show how this address reached this node: host:port.",
            ),
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
                description="Start after the event with this `seq`, as far back as events are kept. The header "
                "Last-Event-ID means the same and takes precedence.",
            ),
        ]
        | None
    ) = None
    start_id: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="`start_id` of the status that was current at that event. It lets the stream announce a "
                "restart of the program as a gap even if the new run has already passed that number.",
            ),
        ]
        | None
    ) = None


class Order(Word):
    """The order in which the history is read."""

    DESC = "desc"
    """Newest first."""
    ASC = "asc"
    """In the order in which the events were written, to follow the history with `after`."""


class HistoryQuery(RedactQuery, frozen=True, kw_only=True):
    """Which events to show; a filter that is left out matches everything."""

    order: Annotated[
        Order,
        Meta(
            description="`desc`: newest first. `asc`: all events of all runs in the order in which they were written; "
            "can be combined with `after` and `limit`, but not with filters."
        ),
    ] = Order.DESC
    after: (
        Annotated[
            str,
            Meta(
                max_length=MAX_CURSOR_LENGTH,
                description="Start after this event: RUN:SEQ, such as `next_after` of the previous answer. Without "
                "it, `asc` starts with the oldest event.",
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
    limit: Annotated[int, Meta(ge=1, le=1000, description="Show at most this many events.")] = 100
    cursor: (
        Annotated[str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the previous page.")] | None
    ) = None

    @property
    def events(self) -> EventQuery:
        """The same filters, as the history takes them."""
        return msgspec.convert(self, EventQuery, from_attributes=True)

    @property
    def place(self) -> EventPlace | None:
        """After which event to start; None: at the beginning.

        Raises:
            PlaceError: `after` is not RUN:SEQ, or another parameter cannot be combined with this order.
        """
        if self.order is Order.DESC:
            raise PlaceError("after needs order=asc; to get the next page of order=desc, use cursor.")
        others = [name for name in _NOT_IN_ORDER if getattr(self, name) is not None]
        if others:
            raise PlaceError(f"order=asc can be combined with after and limit, but not with {', '.join(others)}.")
        return None if self.after is None else EventPlace.parse(self.after)


_NOT_IN_ORDER = sorted(
    set(HistoryQuery.__struct_fields__) - {"order", "after", "limit", *RedactQuery.__struct_fields__},
    key=HistoryQuery.__struct_fields__.index,
)
"""Parameters that filter or page the newest events. A follower gets all events, so that it can tell which are
missing."""


class HistorySeriesQuery(RedactQuery, frozen=True, kw_only=True):
    """Which events to count, and how; a filter that is left out matches everything."""

    since_unix: (
        Annotated[
            float,
            Meta(ge=0, le=LATEST_UNIX, description="Start, in Unix seconds. Default: an hour before `until_unix`."),
        ]
        | None
    ) = None
    until_unix: (
        Annotated[float, Meta(ge=0, le=LATEST_UNIX, description="End, in Unix seconds. Default: now.")] | None
    ) = None
    bucket_s: (
        Annotated[
            int,
            Meta(
                ge=MINUTE_S,
                le=LATEST_UNIX,
                multiple_of=MINUTE_S,
                description="Width of a bucket in seconds, in whole minutes. Default: wide enough for at most 60 "
                "buckets.",
            ),
        ]
        | None
    ) = None
    by: Annotated[SeriesBy, Meta(description="Count separately for each value of this.")] = SeriesBy.REASON
    kind: EventKindsWanted = None
    reason: ReasonWanted = None
    source: SourceWanted = None
    phase: PhaseWanted = None


class PastFindingsQuery(RedactQuery, frozen=True, kw_only=True):
    """Which past findings to show."""

    since_unix: (
        Annotated[
            float,
            Meta(ge=0, le=LATEST_UNIX, description="Only findings active at or after this time, in Unix seconds."),
        ]
        | None
    ) = None
    until_unix: (
        Annotated[
            float,
            Meta(ge=0, le=LATEST_UNIX, description="Only findings that began before this time, in Unix seconds."),
        ]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Show at most this many, the latest to begin.")] = 100


class ConnectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which peer to dial."""

    peer_addr: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH, description="host:port; with an IPv6 address, [host]:port."),
    ]
    wait: Annotated[bool, Meta(description="Answer when the dial has ended; if false, answer at once.")] = True


class ProbeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which finding to probe."""

    code: Annotated[str, Meta(min_length=1, max_length=100, description="Code of an active finding.")]
