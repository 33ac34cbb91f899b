"""What the handlers answer from: the tracker and all that goes with it."""

from __future__ import annotations

from nocarrier.doctor import Doctor
from nocarrier.model.action import ProgramKind
from nocarrier.model.history import History
from nocarrier.model.node_state import NodePort
from nocarrier.tracking import DialTracker
from nocarrier.web.api.connects import Connects
from nocarrier.web.api.debug_body import DebugBody
from nocarrier.web.api.disk_pool import HistoryQuestions
from nocarrier.web.api.event_log import EventLog
from nocarrier.web.api.page import Page
from nocarrier.web.api.probes import ProberPort, Probes
from nocarrier.web.views import status_view


class Api:
    """What the handlers tell of.

    Args:
        tracker: whose dials.
        node: whose peers, and what to dial with; None: the program has no nocarrier node.
        doctor: whose findings.
        prober: what looks into them.
        history: what is kept over restarts; None: nothing is.
        version: of nocarrier.
        openapi: the document of this API.
        page: what `/` shows.
    """

    def __init__(
        self,
        tracker: DialTracker,
        node: NodePort | None,
        doctor: Doctor,
        prober: ProberPort,
        history: History | None,
        *,
        version: str,
        openapi: bytes,
        page: Page,
    ) -> None:
        self.tracker = tracker
        self.node = node
        self.doctor = doctor
        self.history = history
        self.program = ProgramKind.NODE if node is not None else ProgramKind.EMBEDDED
        self.version = version
        self.openapi = openapi
        self.page = page
        self.debug_body = DebugBody(tracker, node, doctor, history)
        self.event_log = EventLog(
            tracker,
            status=lambda: status_view(tracker, node, history),
            diagnosis=doctor.diagnosis,
            supervisor=doctor.supervisor,
        )
        self.history_questions = HistoryQuestions()
        self.connects = Connects(node) if node is not None else None
        self.probes = Probes(prober, doctor, node)

    async def close(self) -> None:
        """End what goes on in the background."""
        self.event_log.close()
        self.history_questions.close()
        if self.connects is not None:
            await self.connects.close()
        await self.probes.close()
