"""What became of every dial: the newest entries, exact counts, samples, and each peer's standing. No I/O."""

from nocarrier.track.latest import LastOutcome, Latest
from nocarrier.track.peers import PeerRecord
from nocarrier.track.snapshot import Snapshot, Totals
from nocarrier.track.subscription import Subscription
from nocarrier.track.tracker import DialTracker

__all__ = ["DialTracker", "LastOutcome", "Latest", "PeerRecord", "Snapshot", "Subscription", "Totals"]
