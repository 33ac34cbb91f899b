"""A background task of this program died. It works again, or it is still down."""

from __future__ import annotations

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, stated
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.task_state import TaskFailure, TaskState
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.numbers import times
from nocarrier.model.wording.text import Sayable, decimal, quoted, say, word

LATELY_S = 600.0
"""How long a task that works again is still reported: somebody who looks every few minutes has then seen it."""

_SUMMARY = {
    True: "the {task} task died {times} and has been down for {down} s ({error})",
    False: "the {task} task died {times} and works again ({error})",
}
"""By whether it is down."""

_STATEMENT = {
    True: "{count:death|deaths} of the {task} task, which has been down for {down} s ({error})",
    False: "{count:death|deaths} of the {task} task, which works again ({error})",
}

_TITLE = {
    True: "The {task} task of this program is down",
    False: "The {task} task of this program died and works again",
}


def _values(task: TaskState, failure: TaskFailure, now_unix: float) -> dict[str, Sayable]:
    return {
        "task": word(task.name),
        "times": word(times(failure.total)),
        "down": decimal(max(0.0, now_unix - failure.since_unix)),
        "error": quoted(failure.error),
    }


def _rule(facts: Facts) -> Case | None:
    now_unix = facts.now_unix
    died = [
        (task, failure)
        for task in facts.tasks
        if (failure := task.failure) is not None and (task.is_down or 0 <= now_unix - failure.last_unix <= LATELY_S)
    ]
    if not died:
        return None
    died.sort(key=lambda each: (not each[0].is_down, each[1].since_unix))  # the first death may have caused the others
    worst, failure = died[0]
    values = _values(worst, failure, now_unix)
    is_alone = len(died) == 1
    return Case(
        summary=say(_ONE if is_alone else _SEVERAL, what=say(_SUMMARY[worst.is_down], **values), others=len(died) - 1),
        title=say(
            _TITLE[worst.is_down] if is_alone else "{count} parts of this program died", count=len(died), **values
        ),
        confidence=0.99,
        evidence=tuple(
            stated(_STATEMENT[task.is_down], (), count=failure.total, **_values(task, failure, now_unix))
            for task, failure in died
        ),
        since_unix=min(failure.since_unix for _, failure in died),
        severity=Severity.CRITICAL if worst.is_down else Severity.WARNING,
    )


_ONE = "A part of this program failed: {what}."

_SEVERAL = "Parts of this program failed: {what}; {others} other {others:part|parts} died too."


CAUSE = Cause(
    code="internal_task_failed",
    title="A part of this program died",
    severity=Severity.CRITICAL,
    blame=Blame.US,
    evidence_rule="A background task of this program died of an exception. Critical until it has run for some seconds "
    "after its restart, and for longer than before its last death; a warning for ten minutes after its last death.",
    next_actions=(
        Action(
            text='Find the traceback in the log (search for "died of an internal error"). If it names a full disk, a missing '
            "permission or a limit, fix that."
        ),
        Action(
            text="Otherwise it is a bug in nocarrier: report it, with the traceback and this report.",
            command="nocarrier report --url {url}",
        ),
        Action(text="Restart the program if that part stays down."),
    ),
    rule=_rule,
    looks=looks.OURS,
)
