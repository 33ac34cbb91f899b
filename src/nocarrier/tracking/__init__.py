"""The outcome of every dial: the newest entries, exact counts, samples, and the record of each peer.

Does no I/O. Never imports `dialing`.
"""

from nocarrier.tracking.durations import BUCKETS_S, DIAL_OUTCOMES, OTHER_PHASE, TIMED_PHASES, Histogram
from nocarrier.tracking.latest import LastOutcome, Latest
from nocarrier.tracking.ledger import sum_of
from nocarrier.tracking.peers import PeerRecord
from nocarrier.tracking.snapshot import Snapshot, Tally, Totals
from nocarrier.tracking.subscription import Subscription
from nocarrier.tracking.tracker import DialTracker

__all__ = [
    "BUCKETS_S",
    "DIAL_OUTCOMES",
    "OTHER_PHASE",
    "TIMED_PHASES",
    "DialTracker",
    "Histogram",
    "LastOutcome",
    "Latest",
    "PeerRecord",
    "Snapshot",
    "Subscription",
    "Tally",
    "Totals",
    "sum_of",
]
