"""One run of one scenario: sets the stage, lets the faults strike, and judges by what the node's HTTP API says."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.node_under_test import NoAnswerError
from lab.scenario import Scenario, When
from lab.stage import Stage, stage

TELLING = 3
"""After this many telling failures the doctor must know the cause."""

LOOK_EVERY_S = 0.5
"""The doctor itself looks every two seconds."""

Findings = Sequence[dict[str, Any]]
"""As the API returns them, the worst first."""


@dataclass(kw_only=True)
class Result:
    """The result of a run; one row of ``lab/results.json``."""

    scenario: str
    expected_reason: str | None
    reason: str | None = None
    """The expected reason if it was recorded, otherwise the most frequent one since the fault."""
    expected_cause: str | None
    cause: str | None = None
    """The first finding; if no cause is expected, the first above info."""
    confidence: float | None = None
    seconds_to_cause: float | None = None
    """From the third telling failure, or from the last one before the cause was found; 0: found with that failure."""
    passed: bool = False
    why_not: str | None = None
    beside: list[str] = field(default_factory=list)
    """Codes of the other findings when the cause was found; those above info with an exclamation mark."""
    seed: int
    took_s: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)
    """The random choices, and what was seen if the run failed."""


class NotPassed(Exception):  # noqa: N818 - a verdict, not an error
    """The doctor's verdict is not the expected one."""


def run(scenario: Scenario, seed: int) -> Result:
    """Run `scenario` with all random choices made from `seed`. Whatever goes wrong is reported in the result."""
    result = Result(
        scenario=scenario.name,
        expected_reason=scenario.expected_reason,
        expected_cause=scenario.expected_cause,
        seed=seed,
    )
    rng = random.Random(f"{scenario.name} {seed}")
    started_s = time.monotonic()
    try:
        with stage(
            rng,
            options=scenario.options,
            timing=scenario.timing,
            peer_options=scenario.peer_options,
            behind_nat=scenario.behind_nat,
            wire=scenario.wire,
            wire_between=scenario.wire_between,
        ) as there:
            result.notes = there.notes
            there.notes["timing"] = there.node.timing
            _Trial(scenario, there, result).run()
        result.passed = True
    except NotPassed as verdict:
        result.why_not = str(verdict)
    except Exception as error:  # noqa: BLE001 - what breaks one scenario must not end the others
        result.why_not = f"the lab failed: {type(error).__name__}: {error}"
    result.took_s = round(time.monotonic() - started_s, 1)
    return result


class _Trial:
    def __init__(self, scenario: Scenario, there: Stage, result: Result) -> None:
        self._scenario = scenario
        self._stage = there
        self._result = result
        self._reasons_before: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._findings: Findings = ()

    def run(self) -> None:
        scenario, there = self._scenario, self._stage
        there.start_good_peers(there.rng.randint(*scenario.good_peers))
        self._strike(When.AT_START)
        there.start_node()
        if any(fault.when is When.ONCE_CONNECTED for fault in scenario.faults):
            there.wait_until_connected()
            self._reasons_before = Counter(there.node.reasons())
        self._strike(When.ONCE_CONNECTED)
        self._strike(When.LATER)
        try:
            if scenario.expected_cause is None:
                self._stays_healthy()
            else:
                self._finds_the_cause()
                self._stays()
                self._clears()
        except NotPassed:
            self._result.notes["findings"] = [summary_of(finding) for finding in self._findings]
            self._result.notes["failures"] = self._newest_failures()
            raise

    def _strike(self, when: When) -> None:
        for fault in self._scenario.faults:
            if fault.when is when:
                time.sleep(fault.seconds)
                for step in fault.steps:
                    step(self._stage)

    # ---- looking --------------------------------------------------------------------------------------------------

    def _look(self) -> bool:
        """Look at the node; False if it did not answer in time."""
        time.sleep(LOOK_EVERY_S)
        try:
            self._findings = self._stage.node.findings() or ()
            self._reasons = Counter(self._stage.node.reasons()) - self._reasons_before
        except NoAnswerError:
            return False
        return True

    def _told(self) -> int:
        """How many failures have shown the fault so far; also notes their reason."""
        expected = self._scenario.expected_reason
        if expected is None or not self._reasons[expected]:
            self._result.reason = next((reason for reason, _ in self._reasons.most_common(1)), None)
            return self._reasons.total() if expected is None else 0
        self._result.reason = expected
        return self._reasons[expected]

    def _newest_failures(self) -> list[str]:
        try:
            failures = self._stage.node.failures(limit=12)
        except (NoAnswerError, RuntimeError) as error:
            return [repr(error)]
        return [
            f"{failure['addr']} {failure['reason']} ({failure['source']}, {failure['kind']}, blame {failure['blame']}) "
            f"{failure['evidence']}"
            for failure in failures
        ]

    # ---- judging --------------------------------------------------------------------------------------------------

    def _finds_the_cause(self) -> None:
        scenario, result = self._scenario, self._result
        started_s = time.monotonic()
        limit_s = started_s + scenario.needs_s + scenario.within_s
        told, told_s = 0, started_s
        while True:
            self._look()
            now_s, now_told = time.monotonic(), self._told()
            if now_told > told and told < TELLING:
                told_s = now_s
                if now_told >= TELLING:
                    limit_s = min(limit_s, now_s + scenario.within_s)
            told = now_told
            self._note_findings()
            if (told or scenario.expected_reason is None) and self._is_found():
                result.seconds_to_cause = round(now_s - told_s, 1)
                self._refuse_false_findings()
                return
            if now_s > limit_s:
                raise NotPassed(self._what_was_found_instead(told, now_s - started_s))

    def _is_found(self) -> bool:
        codes = [finding["code"] for finding in self._findings]
        if codes[:1] != [self._scenario.expected_cause] or not set(self._scenario.expected_beside) <= set(codes):
            return False
        return not self._difference(self._findings[0])

    def _difference(self, finding: dict[str, Any]) -> str | None:
        """What differs from the expected in the finding that must come first."""
        for key, expected in (("severity", self._scenario.expected_severity), ("blame", self._scenario.expected_blame)):
            if expected is not None and finding[key] != expected:
                return f"its {key} is {finding[key]}, not {expected}"
        return None

    def _what_was_found_instead(self, told: int, after_s: float) -> str:
        codes = [finding["code"] for finding in self._findings]
        expected = self._scenario.expected_cause
        seen = f"{told} failures showed it within {after_s:.0f} s"
        if not told:
            return f"{self._scenario.expected_reason} was not recorded within {after_s:.0f} s; found: {codes}"
        if expected not in codes:
            return f"{expected} was not found, though {seen}; found: {codes}"
        missing = set(self._scenario.expected_beside) - set(codes)
        if missing:
            return f"{sorted(missing)} were not found beside it, though {seen}; found: {codes}"
        if codes[0] == expected:
            return f"{expected} was found, and {self._difference(self._findings[0])}; found: {codes}"
        return f"{expected} is not the first finding, though {seen}; found: {codes}"

    def _stays(self) -> None:
        until_s = time.monotonic() + self._scenario.stays_s
        while time.monotonic() < until_s:
            if self._look():
                codes = [finding["code"] for finding in self._findings]
                for code in (self._scenario.expected_cause, *self._scenario.expected_beside):
                    if code not in codes:
                        raise NotPassed(
                            f"{code} was found and then disappeared, though the fault persists; found: {codes}"
                        )
                self._refuse_false_findings()

    def _clears(self) -> None:
        remedy, code = self._scenario.remedy, self._scenario.expected_cause
        if remedy is None:
            return
        actions = [
            f"{action['text']} {action['command'] or ''} {action['settings'] or ''}"
            for finding in self._findings
            if finding["code"] == code
            for action in finding["next_actions"]
        ]
        if not any(remedy.says in action for action in actions):
            raise NotPassed(f"no next action says {remedy.says!r}: {actions}")
        remedy.step(self._stage)
        started_s = time.monotonic()
        while not (self._look() and all(finding["code"] != code for finding in self._findings)):
            if time.monotonic() - started_s > remedy.clears_within_s:
                raise NotPassed(f"{code} is still there {remedy.clears_within_s:g} s after the remedy")
        self._result.notes["cleared_after_s"] = round(time.monotonic() - started_s, 1)

    def _stays_healthy(self) -> None:
        until_s = time.monotonic() + self._scenario.watch_s
        while time.monotonic() < until_s:
            if self._look():
                self._note_findings()
                self._refuse_false_findings()
        self._told()
        share = self._stage.connected_share()
        if share < self._scenario.connects:
            raise NotPassed(
                f"connected to {share:.0%} of the good peers, not {self._scenario.connects:.0%}, and nothing was found"
            )

    def _refuse_false_findings(self) -> None:
        false = false_findings(self._findings, self._scenario)
        if false:
            raise NotPassed(f"found, though it is not true: {[summary_of(finding) for finding in false]}")

    def _note_findings(self) -> None:
        result = self._result
        told = [
            finding
            for finding in self._findings
            if self._scenario.expected_cause is not None or finding["severity"] != "info"
        ]
        result.cause = told[0]["code"] if told else None
        result.confidence = told[0]["confidence"] if told else None
        result.beside = [
            finding["code"] + ("" if finding["severity"] == "info" else "!")
            for finding in self._findings
            if finding["code"] != result.cause
        ]


def false_findings(findings: Findings, scenario: Scenario) -> list[dict[str, Any]]:
    """Findings that should not exist: above info and neither expected nor allowed, or any if info is not allowed."""
    true = {scenario.expected_cause, *scenario.expected_beside, *scenario.allowed_beside}
    is_quiet = scenario.expected_cause is None and not scenario.may_have_info
    return [
        finding for finding in findings if finding["code"] not in true and (is_quiet or finding["severity"] != "info")
    ]


def summary_of(finding: dict[str, Any]) -> str:
    """One line for people."""
    return f"{finding['severity']} {finding['code']}: {finding['summary']}"
