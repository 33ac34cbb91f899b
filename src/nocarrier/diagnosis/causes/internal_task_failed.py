"""A part of this program died and was restarted, or could not be."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.task_state import TaskFailure, TaskState
from nocarrier.model.taxonomy import Blame

LATELY_S = 600.0
"""A task that works again is told of for so long: whoever looks every few minutes has seen it."""


def _told(task: TaskState, failure: TaskFailure, now_unix: float) -> str:
    how = f"died {'once' if failure.total == 1 else count_of(failure.total, 'time')}"
    for_s = max(0.0, now_unix - failure.since_unix)
    state = f"has been down for {for_s:.0f} s" if task.is_down else "works again"
    return f"the {task.name} {how} and {state} ({failure.error})"


def _rule(facts: Facts) -> Case | None:
    now_unix = facts.now_unix
    told = [
        (task, failure)
        for task in facts.tasks
        if (failure := task.failure) is not None and (task.is_down or 0 <= now_unix - failure.last_unix <= LATELY_S)
    ]
    if not told:
        return None
    told.sort(key=lambda each: (not each[0].is_down, each[1].since_unix))  # what died first may have killed the others
    worst, failure = told[0]
    others = f"; {count_of(len(told) - 1, 'other part')} died too" if len(told) > 1 else ""
    return Case(
        summary=f"A part of this program failed: {_told(worst, failure, now_unix)}{others}.",
        confidence=0.99,
        evidence=tuple(stated(_told(task, failure, now_unix), count=failure.total) for task, failure in told),
        since_unix=min(failure.since_unix for _, failure in told),
        severity=Severity.CRITICAL if worst.is_down else Severity.WARNING,
    )


CAUSE = Cause(
    code="internal_task_failed",
    title="A part of this program died",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="An endless task of this program died of an exception: critical until it has run for some seconds since "
    "its restart, and longer than it did before it died again; a warning for ten minutes after its last death.",
    next_actions=(
        "This is a fault of nocarrier or of the machine it runs on: find the traceback in the log (search for: died by a "
        "fault of ours) and see whether it names a full disk, a missing permission or a limit; mend that.",
        "Else save curl -s http://127.0.0.1:7070/api/p2p/debug?redact=true and the traceback for a bug report.",
        "Restart the program if that part stays down.",
    ),
    rule=_rule,
)
