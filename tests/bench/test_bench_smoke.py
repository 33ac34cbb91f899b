"""The benchmarks run, and write what they promise. How fast things are is for `make bench` to judge."""

from __future__ import annotations

import http.server
import json
import shutil
import signal
import subprocess
import sys
import threading
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from bench import page
from bench.measure import Goal, Result
from nocarrier.web.page import BUILT
from testbed.programs import NOT_PROVEN, requires

REPOSITORY = Path(__file__).resolve().parents[2]

QUICK = (
    "record",
    "record_new",
    "record_vs_prometheus",
    "record_vs_logging",
    "dial_accepted",
    "dial_refused",
    "debug_body",
    "http_debug",
    "diagnose",
    "diagnose_large",
    "memory_ring",
    "import_time",
    "doctor_start",
    "store_ingest",
    "history_loop_delay",
)


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "bench", *arguments)


def run_python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(300)  # a minute and more on a busy machine
def test_benchmarks_write_values_in_base_units_with_their_baseline(tmp_path):
    run = bench(*QUICK, "--rounds", "1", "--output", tmp_path / "results.json")

    assert run.returncode == 0, run.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results) == list(QUICK)
    assert {result["unit"] for result in results.values()} == {"s", "/s", "bytes"}
    assert all(result["value"] > 0 for name, result in results.items() if name != "history_loop_delay")
    assert results["history_loop_delay"]["value"] >= 0, "what it adds may be too little to notice"
    without_baseline = {name for name, result in results.items() if result["ratio"] is None}
    assert without_baseline == {"memory_ring"}
    assert 1e-8 < results["record"]["value"] < 1e-4, "seconds for one failure"


def test_a_missed_goal_fails_only_with_strict(tmp_path):
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
        return run_python("-c", script, tmp_path / "results.json", *arguments)

    lenient, strict = run(), run("--strict")

    assert (lenient.returncode, strict.returncode) == (0, 1), lenient.stderr + strict.stderr
    assert "MISSED" in lenient.stdout


@pytest.mark.parametrize(
    ("goal", "verdicts"),
    [
        (Goal(2.0, is_ceiling=True, aim=1.0), ["aim met", "met", "MISSED"]),
        (Goal(2.0, is_ceiling=False, aim=3.0), ["MISSED", "met", "aim met"]),
        (Goal(2.0, is_ceiling=True), ["met", "met", "MISSED"]),
    ],
)
def test_a_verdict_distinguishes_the_limit_from_the_aim(goal, verdicts):
    assert [goal.verdict(Result(value=0.1, unit="s", ratio=ratio)) for ratio in (1.0, 2.0, 3.0)] == verdicts


WITH_BENCHMARKS_THAT_BREAK = """
import os, signal, sys
from bench import __main__ as program
from bench.measure import Benchmark, Goal, Result

def measures(rounds):
    return Result(value=1.0, unit="s")

def raises(rounds):
    raise RuntimeError("no browser here")

def is_killed(rounds):
    os.kill(os.getpid(), signal.SIGKILL)

def benchmark(name, run):
    goal = Goal(2.0, is_ceiling=True, of_ratio=False)
    return Benchmark(name=name, what="", baseline="", goal=goal, rounds=1, run=run)

runs = {"first": measures, "raises": raises, "last": measures, "is_killed": is_killed}
program.BENCHMARKS = tuple(benchmark(name, run) for name, run in runs.items())
sys.exit(program.main([*sys.argv[2:], "--output", sys.argv[1]]))
"""


def test_a_benchmark_that_raises_loses_only_its_own_row(tmp_path):
    output = tmp_path / "results.json"

    run = run_python("-c", WITH_BENCHMARKS_THAT_BREAK, output, "first", "raises", "last")

    assert list(json.loads(output.read_text())) == ["first", "last"]
    assert run.returncode == 1
    assert "RuntimeError: no browser here" in run.stderr
    assert run.stderr.splitlines()[-1] == "broken, and not in the results: raises"
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_rows_are_written_as_soon_as_they_are_measured_and_not_mixed_with_other_runs(tmp_path):
    output = tmp_path / "results.json"
    output.write_text('{"of_last_year": {}}')

    run = run_python("-c", WITH_BENCHMARKS_THAT_BREAK, output)

    assert run.returncode == -signal.SIGKILL
    assert list(json.loads(output.read_text())) == ["first", "last"]


LATE_PAGE = b"<!doctype html><title>late</title><script src=/late.js></script>"
LATE_SCRIPT = b"setTimeout(() => { document.body.textContent = 'here'; }, 500)"


class PaintsLate(http.server.BaseHTTPRequestHandler):
    """A page whose first paint comes after it has loaded, with a policy as strict as ours."""

    def do_GET(self):
        is_script = self.path == "/late.js"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.send_header("Content-Security-Policy", "default-src 'none'; script-src 'self'")
        self.end_headers()
        self.wfile.write(LATE_SCRIPT if is_script else LATE_PAGE)

    def log_message(self, *_):
        pass


@requires("chromium")
def test_a_late_first_paint_is_awaited_though_the_page_forbids_evaluation():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PaintsLate) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever).start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(page.ARGUMENTS))
        try:
            [paint_s] = page.seconds_until(browser, f"http://127.0.0.1:{server.server_port}/", page.FIRST_PAINT)
        finally:
            browser.close()
            server.shutdown()
    assert 0.5 <= paint_s < 10


@requires("chromium")
@pytest.mark.skipif(not (BUILT / "index.html").is_file(), reason=f"{NOT_PROVEN}the page was not built: make page")
def test_the_page_is_measured(tmp_path):
    run = bench("page_first_paint", "--rounds", "1", "--output", tmp_path / "results.json")

    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "results.json").read_text())["page_first_paint"]["first_data"] > 0


def test_unknown_name_is_refused_with_the_known_ones():
    run = bench("recrod")
    assert run.returncode == 2
    assert "unknown: recrod; known are record, " in run.stderr
