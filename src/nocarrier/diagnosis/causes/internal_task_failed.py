"""A part of this program died and was restarted, or could not be."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.task_state import TaskFailure, TaskState
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.numbers import times
from nocarrier.model.wording.text import Text, decimal, quoted, say, word

LATELY_S = 600.0
"""For so long a task that works again is still told of: somebody who looks every few minutes has seen it."""

_IS_DOWN = "the {task} died {times} and has been down for {down} s ({error})"

_WORKS_AGAIN = "the {task} died {times} and works again ({error})"


def _told(task: TaskState, failure: TaskFailure, now_unix: float) -> Text:
    return say(
        _IS_DOWN if task.is_down else _WORKS_AGAIN,
        task=word(task.name),
        times=word(times(failure.total)),
        down=decimal(max(0.0, now_unix - failure.since_unix)),
        error=quoted(failure.error),
    )


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
    return Case(
        summary=say(_SUMMARY[len(told) > 1], what=_told(worst, failure, now_unix), others=len(told) - 1),
        confidence=0.99,
        evidence=tuple(
            stated("{what}", count=failure.total, what=_told(task, failure, now_unix)) for task, failure in told
        ),
        since_unix=min(failure.since_unix for _, failure in told),
        severity=Severity.CRITICAL if worst.is_down else Severity.WARNING,
    )


_SUMMARY = {
    False: "A part of this program failed: {what}.",
    True: "A part of this program failed: {what}; {others} other {others:part|parts} died too.",
}
"""By whether it is one of several."""


CAUSE = Cause(
    code="internal_task_failed",
    title="A part of this program died",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="An endless task of this program died of an exception: critical until it has run for some seconds since "
    "its restart, and longer than it did before it died again; a warning for ten minutes after its last death.",
    next_actions=(
        Action(
            text='This is a fault of nocarrier or of the machine it runs on: find the traceback in the log (search for "died '
            'of an internal error"), see whether it names a full disk, a missing permission or a limit, and fix that.'
        ),
        Action(
            text="Otherwise attach the traceback and this report to a bug report.",
            command="nocarrier report --url {url}",
        ),
        Action(text="Restart the program if that part stays down."),
    ),
    rule=_rule,
    looks=looks.OURS,
)
