"""The benchmarks run, and write what the contract says. How fast things are is for `make bench` to judge."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

QUICK = (
    "record",
    "record_vs_prometheus",
    "record_vs_logging",
    "dial_accepted",
    "dial_refused",
    "debug_body",
    "http_debug",
    "diagnose",
    "memory_ring",
    "import_time",
    "store_ingest",
    "history_loop_delay",
)


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_benchmarks_write_values_in_base_units_with_their_baseline(tmp_path):
    run = bench(*QUICK, "--rounds", "1", "--output", tmp_path / "results.json")

    assert run.returncode == 0, run.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results) == list(QUICK)
    assert {result["unit"] for result in results.values()} == {"s", "/s", "bytes"}
    assert all(result["value"] > 0 for name, result in results.items() if name != "history_loop_delay")
    assert results["history_loop_delay"]["value"] >= 0, "what it adds may be too little to be seen"
    without_baseline = {name for name, result in results.items() if result["ratio"] is None}
    assert without_baseline == {"memory_ring"}
    assert 1e-8 < results["record"]["value"] < 1e-4, "seconds for one failure"


def test_missed_goal_fails_only_when_asked_to(tmp_path):
    # The program's own exit code, with a goal that nothing can meet.
    script = """
import dataclasses, sys
from bench import __main__ as program
from bench.measure import Goal
slow = dataclasses.replace(program.BENCHMARKS[0], goal=Goal(0.0, is_ceiling=True))
program.BENCHMARKS = (slow,)
sys.exit(program.main(["--rounds", "1", "--output", sys.argv[1], *sys.argv[2:]]))
"""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, tmp_path / "results.json", *arguments]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    lenient, strict = run(), run("--strict")

    assert (lenient.returncode, strict.returncode) == (0, 1), lenient.stderr + strict.stderr
    assert "MISSED" in lenient.stdout


def test_unknown_name_is_refused_with_the_known_ones():
    run = bench("recrod")
    assert run.returncode == 2
    assert "unknown: recrod; known are record, " in run.stderr
