"""From what the tracker and the node know to the one shape that API, CLI, page and docs share."""

from nocarrier.views.debug import DebugView, debug_view
from nocarrier.views.failures import FailureFilter, FailuresView, SamplesView, failures_view
from nocarrier.views.peers import PeersView, PeerView, peers_view
from nocarrier.views.propagation import IntroducerView, PropagationCounts, PropagationView, propagation_view
from nocarrier.views.reasons import ReasonsView, ReasonView, SourceView, reason_view, reasons_view
from nocarrier.views.redaction import redact

__all__ = [
    "DebugView",
    "FailureFilter",
    "FailuresView",
    "IntroducerView",
    "PeerView",
    "PeersView",
    "PropagationCounts",
    "PropagationView",
    "ReasonView",
    "ReasonsView",
    "SamplesView",
    "SourceView",
    "debug_view",
    "failures_view",
    "peers_view",
    "propagation_view",
    "reason_view",
    "reasons_view",
    "redact",
]
