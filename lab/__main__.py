"""`python -m lab [NAME ...]`: run scenarios, print the results and write them as JSON, each as it comes.

Exits with 0 if every verdict was right, 1 if one was not, 2 if nothing could be run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab.runner import run_all
from lab.scenarios import SCENARIOS
from lab.trial import Result
from testbed.programs import why_no_netns

RESULTS = Path(__file__).with_name("results.json")

JOBS = 4
"""A scenario mostly waits; four at a time keep two cores half busy."""

_COLUMNS = "{:<34} {:<24} {:<22} {:>5} {:>6} {:>6}  {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen scenarios."""
    options = _parser().parse_args(arguments)
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<34} {scenario.expected_cause or '(healthy)':<22} {scenario.what}")
        return 0
    unknown = set(options.names) - SCENARIOS.keys()
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; see --list", file=sys.stderr)
        return 2
    lack = why_no_netns()
    if lack is not None:
        print(f"the lab cannot run: {lack}", file=sys.stderr)
        return 2
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    chosen = [SCENARIOS[name] for name in options.names] or list(SCENARIOS.values())
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    trials = [(scenario, seed + run) for run in range(options.runs) for scenario in chosen]
    print(f"{len(trials)} trials of {len(chosen)} scenarios, {options.jobs} at a time; repeat them with --seed {seed}")
    print(_COLUMNS.format("scenario", "reason", "cause", "sure", "s", "took", "verdict"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: it passes through all the clean-up
    order = {scenario.name: number for number, scenario in enumerate(chosen)}
    results: list[Result] = []
    started_s = time.monotonic()
    with contextlib.closing(run_all(trials, jobs=options.jobs)) as coming:
        try:
            for result in coming:
                results.append(result)
                results.sort(key=lambda each: (order[each.scenario], each.seed))
                _write(options.output, results)
                _show(result)
        except KeyboardInterrupt:
            print("ended early", file=sys.stderr)
    failed = [result for result in results if not result.passed]
    for result in failed:
        _explain(result)
    took_s = time.monotonic() - started_s
    print(f"{len(results) - len(failed)} of {len(trials)} passed in {took_s:.0f} s; written to {options.output}")
    return int(len(results) - len(failed) < len(trials))


def _write(path: Path, results: list[Result]) -> None:
    """Replace the file in one step, so that it is complete whenever the run is ended."""
    part = path.with_name(f"{path.name}.part")
    # Notes hold whatever the steps of a scenario noted.
    part.write_text(json.dumps([asdict(result) for result in results], indent=2, default=repr) + "\n")
    part.replace(path)


def _show(result: Result) -> None:
    seconds, confidence = result.seconds_to_cause, result.confidence
    print(
        _COLUMNS.format(
            result.scenario,
            result.reason or "-",
            result.cause or "(healthy)",
            "" if confidence is None else f"{confidence:.2f}",
            "" if seconds is None else f"{seconds:.1f}",
            f"{result.took_s:.0f} s",
            "passed" if result.passed else "FAILED",
        ),
        flush=True,
    )


def _explain(result: Result) -> None:
    print(f"\nFAILED {result.scenario} (--seed {result.seed} --runs 1): {result.why_not}")
    print(f"  expected {result.expected_reason} and {result.expected_cause}, {result.notes.get('timing', '')}")
    for key in ("findings", "failures"):
        for line in result.notes.get(key, ()):
            print(f"  {key[:-1]}: {line}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Checks the doctor's verdicts with real faults.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios to run (default: all)")
    parser.add_argument("--seed", type=int, help="seed of all random choices, to repeat a run")
    parser.add_argument("--jobs", type=int, default=JOBS, help="scenarios at a time (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="runs of each scenario, each with another seed")
    parser.add_argument("--list", action="store_true", help="only list the scenarios")
    parser.add_argument("--output", type=Path, default=RESULTS, help="file for the results (default: %(default)s)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
