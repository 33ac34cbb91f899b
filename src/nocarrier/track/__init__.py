"""What became of every dial: the newest entries, exact counts, samples, and each peer's standing. No I/O."""

from nocarrier.track.durations import BUCKETS_S, OTHER_PHASE, TIMED_PHASES, Histogram, Outcome
from nocarrier.track.latest import LastOutcome, Latest
from nocarrier.track.ledger import sum_of
from nocarrier.track.peers import PeerRecord
from nocarrier.track.snapshot import Snapshot, Tally, Totals
from nocarrier.track.subscription import Subscription
from nocarrier.track.tracker import DialTracker

__all__ = [
    "BUCKETS_S",
    "OTHER_PHASE",
    "TIMED_PHASES",
    "DialTracker",
    "Histogram",
    "LastOutcome",
    "Latest",
    "Outcome",
    "PeerRecord",
    "Snapshot",
    "Subscription",
    "Tally",
    "Totals",
    "sum_of",
]
