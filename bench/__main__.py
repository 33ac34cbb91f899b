"""`python -m bench [NAME ...]`: measure, print a table, write the results as JSON.

The file holds only the rows of one run, each from the moment it is measured: rows of other runs, perhaps of other code
on a busier machine, would not be comparable. A benchmark that raises loses its own row and no other.

Exits with 0 unless something broke. A missed goal is shown, but counts as broken only with --strict.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import bodies, diagnosing, dialing, idling, imports, memory, page, recording, serving, starting, storing
from bench.measure import Benchmark, Result, Verdict

RESULTS = Path(__file__).with_name("results.json")

BENCHMARKS: tuple[Benchmark, ...] = (
    *recording.BENCHMARKS,
    *dialing.BENCHMARKS,
    *bodies.BENCHMARKS,
    *serving.BENCHMARKS,
    *diagnosing.BENCHMARKS,
    *memory.BENCHMARKS,
    *storing.BENCHMARKS,
    *page.BENCHMARKS,
    *imports.BENCHMARKS,
    *starting.BENCHMARKS,
    *idling.BENCHMARKS,
)

LONG: tuple[Benchmark, ...] = (*memory.LONG, *storing.LONG)

_COLUMNS = "{:<26} {:>12} {:>12} {:>8}  {:<24} {:<7} {:>5}"
_UNITS = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")), "bytes": ((1e6, "MB"), (1e3, "kB"), (1, "B"))}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    known = {benchmark.name: benchmark for benchmark in (*BENCHMARKS, *LONG)}
    unknown = set(options.names) - known.keys()
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in options.names] or [*BENCHMARKS, *(LONG if options.long else ())]
    results: dict[str, dict[str, Any]] = {}
    print(_COLUMNS.format("name", "value", "baseline", "ratio", "goal", "verdict", "took"))
    for benchmark in chosen:
        try:
            results[benchmark.name] = _measured(benchmark, options.rounds or benchmark.rounds)
        except Exception:  # noqa: BLE001 - it must not cost the others their rows
            print(f"{benchmark.name:<26} BROKE; the error is on standard error", flush=True)
            traceback.print_exc()
        _write(options.output, results)
    print(f"written to {options.output}")
    broken = [benchmark.name for benchmark in chosen if benchmark.name not in results]
    if broken:
        print(f"broken, and not in the results: {', '.join(broken)}", file=sys.stderr)
    missed = options.strict and any(result["verdict"] == Verdict.MISSED for result in results.values())
    return int(bool(broken) or missed)


def _measured(benchmark: Benchmark, rounds: int) -> dict[str, Any]:
    """Run `benchmark`, print its row of the table and return its row of the file."""
    started_s = time.monotonic()
    result = benchmark.run(rounds)
    verdict = benchmark.goal.verdict(result)
    print(_row(benchmark, result, verdict, took_s=time.monotonic() - started_s), flush=True)
    return {
        "value": result.value,
        "unit": result.unit,
        "baseline": result.baseline,
        "ratio": result.ratio,
        "goal": _goal(benchmark, result),
        "verdict": verdict,
        "what": benchmark.what,
        "against": benchmark.baseline,
        **result.more,
    }


def _write(path: Path, results: dict[str, dict[str, Any]]) -> None:
    """Replace the file in one step, so that it is complete whenever the run is ended."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(results, indent=2) + "\n")
    part.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What nocarrier costs, against baselines.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--long", action="store_true", help="also run those that take minutes, and 9 GB of disk")
    parser.add_argument("--rounds", type=int, help="rounds of each benchmark, instead of its own number")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--output", type=Path, default=RESULTS, help="file for the results (default: %(default)s)")
    return parser


def _row(benchmark: Benchmark, result: Result, verdict: Verdict, *, took_s: float) -> str:
    return _COLUMNS.format(
        benchmark.name,
        _with_unit(result.value, result.unit),
        "-" if result.baseline is None else _with_unit(result.baseline, result.unit),
        "-" if result.ratio is None else f"{result.ratio:.3f}",
        _goal(benchmark, result),
        verdict,
        f"{took_s:.0f} s",
    )


def _goal(benchmark: Benchmark, result: Result) -> str:
    if benchmark.goal.of_ratio:
        return benchmark.goal.text(lambda limit: f"{limit:g} x")
    return benchmark.goal.text(lambda limit: _with_unit(limit, result.unit))


def _with_unit(value: float, unit: str) -> str:
    for size, name in _UNITS.get(unit, ()):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:,.0f} {unit}"


if __name__ == "__main__":
    raise SystemExit(main())
