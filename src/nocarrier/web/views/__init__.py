"""Views: what the tracker and the node know, in the one form that the API, the command line and the page share.

Every JSON answer of the API and every message of its live stream is one of the classes named here, encoded with all its
fields; `client` decodes the answers of other nodes into the same classes.
"""

from nocarrier.model.event import DialEvent
from nocarrier.model.node.state import DialResult
from nocarrier.web.views.connect import ConnectStarted
from nocarrier.web.views.coverage import Coverage
from nocarrier.web.views.debug import DebugView, debug_view
from nocarrier.web.views.failures import FailuresView, SamplesView, failures_view
from nocarrier.web.views.findings import (
    ActionView,
    DiagnosisView,
    EvidenceView,
    FindingView,
    PastFindingView,
    ProbeView,
    Reader,
    StatementView,
    TextView,
    ValueView,
    diagnosis_view,
    probe_view,
)
from nocarrier.web.views.history import (
    HistoryView,
    PastFindingsView,
    SeriesView,
    history_after_view,
    history_view,
    past_findings_view,
    series_view,
)
from nocarrier.web.views.liveness import Alive, Ready
from nocarrier.web.views.peers import PeersView, PeerView, peers_view
from nocarrier.web.views.problem import Problem
from nocarrier.web.views.propagation import IntroducerView, PropagationCounts, PropagationView, propagation_view
from nocarrier.web.views.reasons import ReasonsView, ReasonView, SourceView, reason_view, reasons_view
from nocarrier.web.views.redaction import redact
from nocarrier.web.views.series_range import series_range
from nocarrier.web.views.status import StatusView, status_view
from nocarrier.web.views.stream import Gap

__all__ = [
    "ActionView",
    "Alive",
    "ConnectStarted",
    "Coverage",
    "DebugView",
    "DiagnosisView",
    "DialEvent",
    "DialResult",
    "EvidenceView",
    "FailuresView",
    "FindingView",
    "Gap",
    "HistoryView",
    "IntroducerView",
    "PastFindingView",
    "PastFindingsView",
    "PeerView",
    "PeersView",
    "ProbeView",
    "Problem",
    "PropagationCounts",
    "PropagationView",
    "Reader",
    "Ready",
    "ReasonView",
    "ReasonsView",
    "SamplesView",
    "SeriesView",
    "SourceView",
    "StatementView",
    "StatusView",
    "TextView",
    "ValueView",
    "debug_view",
    "diagnosis_view",
    "failures_view",
    "history_after_view",
    "history_view",
    "past_findings_view",
    "peers_view",
    "probe_view",
    "propagation_view",
    "reason_view",
    "reasons_view",
    "redact",
    "series_range",
    "series_view",
    "status_view",
]
