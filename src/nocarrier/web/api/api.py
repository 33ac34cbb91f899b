"""The objects that the handlers read to answer requests: the tracker, the doctor, the history and so on."""

from __future__ import annotations

from nocarrier.doctor import Doctor
from nocarrier.model.action import ProgramKind
from nocarrier.model.history import History
from nocarrier.model.node.state import NodePort
from nocarrier.tracking import DialTracker
from nocarrier.web.api.connects import Connects
from nocarrier.web.api.debug_body import DebugBody
from nocarrier.web.api.disk_pool import HistoryQuestions
from nocarrier.web.api.live.event_log import EventLog
from nocarrier.web.api.page import Page
from nocarrier.web.api.probes import ProberPort, Probes
from nocarrier.web.views import status_view


class Api:
    """Everything that the handlers need to answer a request.

    Args:
        tracker: has the dials.
        node: has the peers, and dials on request; None: the program has no nocarrier node.
        doctor: makes the findings.
        prober: probes findings.
        history: has the events and findings on disk; None: history is off.
        version: the version of nocarrier.
        openapi: the OpenAPI document of this API, as JSON.
        page: the page at `/`.
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
        """End everything that runs in the background."""
        self.event_log.close()
        self.history_questions.close()
        if self.connects is not None:
            await self.connects.close()
        await self.probes.close()
