"""The one table of metrics. The collector, its zeros and the reference page are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nocarrier.model.finding import Diagnosis
from nocarrier.model.history import HistoryState, HistoryStatus
from nocarrier.model.node.counters import DIAL_BACKS, REFUSALS
from nocarrier.model.node.state import BookState, Direction, NodeState, PeerBookCounts
from nocarrier.model.taxonomy import Kind
from nocarrier.outputs.metrics import labels
from nocarrier.outputs.metrics.metric import Metric, MetricType
from nocarrier.tracking import DIAL_OUTCOMES, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The tracker's counts, and how many events the history lost."""

    tally: Tally
    lost_by_history: int = 0

    def total(self, amount: str) -> int:
        """Return one of the `Totals`, summed over all sources."""
        return sum(getattr(totals, amount) for totals in self.tally.totals_by_source.values())

    @property
    def oldest_in_flight_s(self) -> float:
        """Age of the oldest dial in flight; 0: no dial is in flight, or the wall clock was set back."""
        begun_unix = self.tally.oldest_begun_unix
        return 0.0 if begun_unix is None else max(0.0, self.tally.at_unix - begun_unix)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReading:
    """The state of a node, read once for all its metrics."""

    state: NodeState
    book: PeerBookCounts


OF_DIALS: tuple[Metric[Recorded], ...] = (
    Metric(
        name="nocarrier_dials_started_total",
        type=MetricType.COUNTER,
        help="Dials that began. Equals the sum of nocarrier_dials_total and nocarrier_dials_in_flight.",
        labels=(labels.SOURCE,),
        read=lambda now: {(source,): totals.started for source, totals in now.tally.totals_by_source.items()},
    ),
    Metric(
        name="nocarrier_dials_total",
        type=MetricType.COUNTER,
        help="Dials that ended, by outcome. Each dial has exactly one outcome.",
        labels=(labels.SOURCE, labels.OUTCOME),
        read=lambda now: {
            (source, outcome): getattr(totals, outcome)
            for source, totals in now.tally.totals_by_source.items()
            for outcome in DIAL_OUTCOMES
        },
    ),
    Metric(
        name="nocarrier_dial_failures_total",
        type=MetricType.COUNTER,
        help='Dials that failed, by reason. The sum equals nocarrier_dials_total{outcome="failed"}.',
        labels=(labels.FAILURE_REASON, labels.SOURCE),
        read=lambda now: {
            (reason, source): count
            for (reason, source, kind), count in now.tally.counts.items()
            if kind is Kind.FAILURE
        },
    ),
    Metric(
        name="nocarrier_dial_skips_total",
        type=MetricType.COUNTER,
        help="Dials that policy prevented, by reason. No other metric counts them as dials.",
        labels=(labels.SKIP_REASON,),
        read=lambda now: {
            (reason,): sum(
                count
                for (skipped, _, kind), count in now.tally.counts.items()
                if (skipped, kind) == (reason, Kind.SKIP)
            )
            for reason in labels.SKIP_REASON.values
        },
    ),
    Metric(
        name="nocarrier_early_disconnects_total",
        type=MetricType.COUNTER,
        help="Sessions that ended within a minute of their handshake. Their dials still count as succeeded.",
        labels=(labels.SOURCE,),
        read=lambda now: {(source,): it.disconnected_early for source, it in now.tally.totals_by_source.items()},
    ),
    Metric(
        name="nocarrier_dials_in_flight",
        type=MetricType.GAUGE,
        help="Dials that have begun and not ended yet.",
        read=lambda now: {(): now.total("in_flight")},
    ),
    Metric(
        name="nocarrier_dial_oldest_in_flight_seconds",
        type=MetricType.GAUGE,
        unit="seconds",
        help="Age of the oldest dial in flight; 0 if no dial is in flight.",
        read=lambda now: {(): now.oldest_in_flight_s},
    ),
    Metric(
        name="nocarrier_dial_duration_seconds",
        type=MetricType.HISTOGRAM,
        unit="seconds",
        help="How long dials took that have ended and whose duration is known.",
        labels=(labels.OUTCOME,),
        read=lambda now: {(outcome,): histogram for outcome, histogram in now.tally.durations.items()},
    ),
    Metric(
        name="nocarrier_dial_phase_duration_seconds",
        type=MetricType.HISTOGRAM,
        unit="seconds",
        help="How long each phase of these dials took. other stands for phases that a program has named itself.",
        labels=(labels.PHASE,),
        read=lambda now: {(phase,): histogram for phase, histogram in now.tally.phase_durations.items()},
    ),
    Metric(
        name="nocarrier_records_dropped_total",
        type=MetricType.COUNTER,
        help="Events that were lost: a reader was too slow (subscriber_slow), a dial ended a second time "
        "(ended_twice), recording failed (recorder_error), or the history could not be written (history).",
        labels=(labels.LOST_BY,),
        read=lambda now: {
            **{(cause,): count for cause, count in now.tally.dropped.items()},
            (labels.LOST_BY_HISTORY,): now.lost_by_history,
        },
    ),
    Metric(
        name="nocarrier_build_info",
        type=MetricType.INFO,
        help="Always 1; the label says which version of nocarrier runs.",
        labels=(labels.VERSION,),
        read=lambda _now: {labels.VERSION.values: 1},
    ),
)


def _meanings(table: Mapping[Any, str]) -> str:
    return "; ".join(f"{what}: {meaning}" for what, meaning in table.items()) + "."


OF_NODE: tuple[Metric[NodeReading], ...] = (
    Metric(
        name="nocarrier_connected_peers",
        type=MetricType.GAUGE,
        help="Peers that have a session with this node, by who dialed.",
        labels=(labels.DIRECTION,),
        read=lambda now: {
            (direction,): sum(peer.direction is direction for peer in now.state.connected) for direction in Direction
        },
    ),
    Metric(
        name="nocarrier_peer_book",
        type=MetricType.GAUGE,
        help="Addresses in the peer book, by how promising they are.",
        labels=(labels.BOOK_STATE,),
        read=lambda now: {(state,): getattr(now.book, state) for state in BookState},
    ),
    Metric(
        name="nocarrier_peers_wanted",
        type=MetricType.GAUGE,
        help="How many more peers the node needs to reach target_peers.",
        read=lambda now: {(): now.state.dialing.wanted},
    ),
    Metric(
        name="nocarrier_peers_due",
        type=MetricType.GAUGE,
        help="Addresses that are not connected and could be dialed now; counted up to 64.",
        read=lambda now: {(): now.state.dialing.due},
    ),
    Metric(
        name="nocarrier_dial_deadline_seconds",
        type=MetricType.GAUGE,
        unit="seconds",
        help="The longest time that a dial can take with the settings of this node.",
        read=lambda now: {(): now.state.dialing.deadline_s},
    ),
    Metric(
        name="nocarrier_event_loop_lag_seconds",
        type=MetricType.GAUGE,
        unit="seconds",
        help="The longest time within the last minute for which the node's event loop was blocked.",
        read=lambda now: {(): now.state.loop_lag_s},
    ),
    Metric(
        name="nocarrier_inbound_handshakes",
        type=MetricType.GAUGE,
        help="Inbound connections whose handshake is in progress.",
        read=lambda now: {(): now.state.inbound_handshakes},
    ),
    Metric(
        name="nocarrier_node_refusals_total",
        type=MetricType.COUNTER,
        help=f"Things that the node refused or dropped to protect itself. {_meanings(REFUSALS)}",
        labels=(labels.REFUSAL,),
        read=lambda now: {(what,): count for what, count in now.state.info.refusals.items()},
    ),
    Metric(
        name="nocarrier_dial_backs_total",
        type=MetricType.COUNTER,
        help=f"Dial-backs, which show nodes whether others can dial them. {_meanings(DIAL_BACKS)}",
        labels=(labels.DIAL_BACK,),
        read=lambda now: {(what,): count for what, count in now.state.info.dial_backs.items()},
    ),
)

OF_DIAGNOSIS: tuple[Metric[Diagnosis], ...] = (
    Metric(
        name="nocarrier_health",
        type=MetricType.GAUGE,
        help="1 for the present status, 0 for the others. undetermined: not enough has been seen yet, or no peer is "
        "connected and nothing explains why.",
        labels=(labels.STATUS,),
        read=lambda now: {(now.status,): 1},
    ),
    Metric(
        name="nocarrier_finding_active",
        type=MetricType.GAUGE,
        help="1 for an active finding at its present severity, otherwise 0. At most one severity of each code is 1.",
        labels=(labels.CODE, labels.SEVERITY),
        read=lambda now: {(finding.code, finding.severity): 1 for finding in now.findings},
    ),
)

OF_HISTORY: tuple[Metric[HistoryStatus], ...] = (
    Metric(
        name="nocarrier_history_events",
        type=MetricType.GAUGE,
        help="Events in the history.",
        read=lambda now: {(): now.events_total},
    ),
    Metric(
        name="nocarrier_history_size_bytes",
        type=MetricType.GAUGE,
        unit="bytes",
        help="Size of the history on disk.",
        read=lambda now: {(): now.size_bytes},
    ),
    Metric(
        name="nocarrier_history_waiting_events",
        type=MetricType.GAUGE,
        help="Events that wait to be written to the history.",
        read=lambda now: {(): now.waiting},
    ),
    Metric(
        name="nocarrier_history_failing",
        type=MetricType.GAUGE,
        help="1 while the history cannot be written and events wait in memory, otherwise 0.",
        read=lambda now: {(): now.state is HistoryState.FAILING},
    ),
)

METRICS: tuple[Metric[Any], ...] = (*OF_DIALS, *OF_NODE, *OF_DIAGNOSIS, *OF_HISTORY)
