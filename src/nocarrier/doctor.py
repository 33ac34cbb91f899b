"""The doctor: examines tracker, node and machine at regular intervals, and remembers what it found.

The rules are pure and are in `diagnosis`; this module provides what they need: time, a thread, and a memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from nocarrier.diagnosis import CAUSES, Facts, derive, diagnose
from nocarrier.model.finding import Diagnosis, Finding, Severity
from nocarrier.model.host_state import HostState
from nocarrier.model.node.state import NodePort, NodeState
from nocarrier.model.ports import MonotonicClock
from nocarrier.model.task_state import TaskState
from nocarrier.supervision import Supervisor
from nocarrier.tracking import DialTracker
from nocarrier.tracking.latest import Latest

EXAMINE_EVERY_S = 2.0
"""A finding appears a few seconds after the failure that shows it; to examine a full tracker takes some 20 ms in a
thread."""

FRESH_FOR_S = 1.0
"""How long a diagnosis answers every reader."""

UNCHANGED_FOR_S = 10.0
"""The same if nothing was recorded since: then only time has passed, which changes findings slowly."""

_EXAMINATION = "examination"

_NOT_EXAMINED = (-1, -1, -1)

_log = logging.getLogger("nocarrier.doctor")


class Doctor:
    """Knows what is wrong with one tracker, and with its node if there is one.

    Args:
        tracker: the tracker whose dials to examine.
        node: None: the program has no nocarrier node.
        read_host: reads the state of this machine; called in a thread.
        on_findings: called with the active findings after every examination in which they changed.
        supervisor: runs the endless tasks beside the node: the doctor's own, and those of an API that shows it. None:
            the doctor makes one.
        clock: returns seconds that never go back.

    Attributes:
        revision: changes whenever the findings do.
        supervisor: the supervisor in use.
    """

    def __init__(
        self,
        tracker: DialTracker,
        node: NodePort | None = None,
        *,
        read_host: Callable[[], HostState | None] = lambda: None,
        on_findings: Callable[[tuple[Finding, ...]], None] | None = None,
        supervisor: Supervisor | None = None,
        clock: MonotonicClock = time.monotonic,
    ) -> None:
        self._tracker = tracker
        self._node = node
        self._read_host = read_host
        self._on_findings = on_findings
        self._clock = clock
        self._diagnosis: Diagnosis | None = None
        self._facts: Facts | None = None
        self._examined_s = 0.0
        self._examined_revisions = _NOT_EXAMINED
        self._examination: asyncio.Task[Diagnosis] | None = None
        self._sources_of_tasks: list[Callable[[], tuple[TaskState, ...]]] = []
        self.supervisor = supervisor or Supervisor()
        self.watch(self.supervisor.states)
        if node is not None:
            self.watch(node.tasks)
        self.revision = 0

    def watch(self, tasks: Callable[[], tuple[TaskState, ...]]) -> None:
        """Watch further endless tasks too, such as the threads of a history; `tasks` may be called in any thread."""
        if tasks not in self._sources_of_tasks:
            self._sources_of_tasks.append(tasks)

    def tasks(self) -> tuple[TaskState, ...]:
        """All known endless tasks, and whether each works."""
        return tuple(task for source in self._sources_of_tasks for task in source())

    async def run(self) -> None:
        """Examine until cancelled, and log findings that come and go."""
        await self.supervisor.run("doctor", self._examine_regularly)

    async def _examine_regularly(self) -> None:
        while True:
            await self.diagnosis()
            await asyncio.sleep(EXAMINE_EVERY_S)

    async def diagnosis(self) -> Diagnosis:
        """What is wrong now: at most a second old, or ten if nothing has happened since."""
        if self._diagnosis is not None and self._is_fresh():
            return self._diagnosis
        if self._examination is None or self._examination.done():
            self._examination = asyncio.create_task(self._examine_in_thread())
        return await asyncio.shield(self._examination)

    def _is_fresh(self) -> bool:
        age_s = self._clock() - self._examined_s
        return age_s < FRESH_FOR_S or (age_s < UNCHANGED_FOR_S and self._revisions() == self._examined_revisions)

    def _revisions(self) -> tuple[int, int, int]:
        return self._tracker.revision, self._node.revision if self._node is not None else 0, _changes(self.tasks())

    async def _examine_in_thread(self) -> Diagnosis:
        revisions = self._revisions()  # read first: changes during the examination lead to another one
        try:
            # The node lives in this loop, so it is asked here; everything slow happens in the thread.
            state = self._node.state() if self._node is not None else None
            diagnosis = await asyncio.to_thread(self._examine, state)
        except Exception as error:  # noqa: BLE001 - noted and found; the same fault may have killed a part of the node
            self.supervisor.note_failure(_EXAMINATION, error)
            diagnosis, revisions = self._diagnose_tasks_alone(), _NOT_EXAMINED
        else:
            self.supervisor.note_success(_EXAMINATION)
        self._take(diagnosis, revisions)
        return diagnosis

    def _diagnose_tasks_alone(self) -> Diagnosis:
        nothing = Latest(at_unix=time.time(), run=self._tracker.run, peers=(), recent=(), in_flight=())
        return diagnose(derive(nothing, tasks=self.tasks()), CAUSES, self._diagnosis)

    def _examine(self, state: NodeState | None) -> Diagnosis:
        self._facts = derive(self._tracker.latest(), state, self._read_host(), tasks=self.tasks(), earlier=self._facts)
        return diagnose(self._facts, CAUSES, self._diagnosis)

    def _take(self, diagnosis: Diagnosis, revisions: tuple[int, int, int]) -> None:
        earlier = self._diagnosis.findings if self._diagnosis is not None else ()
        self._diagnosis, self._examined_s, self._examined_revisions = diagnosis, self._clock(), revisions
        if diagnosis.findings != earlier:
            self.revision += 1
            _log_changes(earlier, diagnosis.findings)
            if self._on_findings is not None:
                self._on_findings(diagnosis.findings)


def _changes(tasks: tuple[TaskState, ...]) -> int:
    """A number that changes with every death of a task, and when a task works again."""
    return sum(2 * task.failure.total - task.is_down for task in tasks if task.failure is not None)


def _log_changes(earlier: tuple[Finding, ...], now: tuple[Finding, ...]) -> None:
    stood, stand = ({finding.code: finding for finding in findings} for findings in (earlier, now))
    for code, finding in stand.items():
        if code not in stood or stood[code].severity is not finding.severity:
            level = logging.INFO if finding.severity is Severity.INFO else logging.WARNING
            # The sentence may quote a peer; %r keeps it from steering a terminal.
            _log.log(level, "%s: %s, %r", finding.severity, code, str(finding.summary))
    for code in stood.keys() - stand.keys():
        _log.info("over: %s", code)
