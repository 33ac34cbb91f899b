"""What a verb of the command line costs, from the start of its process to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

from bench.measure import Benchmark, Goal, Result, compare
from bench.serving import served

_UNHEALTHY = 1
"""What `doctor` ends with: the node of the benchmark has failing peers."""

_CANNOT_ASK = 2
_NOBODY = "http://127.0.0.1:1"
"""A closed port (tcpmux), for a verb that ends once its request has left."""


def _cpu_seconds(arguments: Sequence[str], expected_status: int = 0) -> float:
    """Processor time of a Python process with `arguments`."""
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == expected_status, f"{arguments} ended with {process.returncode}"
    return used.ru_utime + used.ru_stime


def _import_asyncio() -> float:
    return _cpu_seconds(["-c", "import asyncio"])


def _doctor(url: str, expected_status: int) -> float:
    return _cpu_seconds(["-m", "nocarrier", "doctor", "--url", url], expected_status)


def doctor_start(rounds: int) -> Result:
    with served() as port:
        url = f"http://127.0.0.1:{port}"
        result = compare(lambda: _doctor(url, _UNHEALTHY), _import_asyncio, rounds=rounds, unit="s")
    until_request = compare(lambda: _doctor(_NOBODY, _CANNOT_ASK), _import_asyncio, rounds=rounds, unit="s")
    assert until_request.ratio is not None
    return replace(result, more={"until_request": until_request.value, "ratio_until_request": until_request.ratio})


BENCHMARKS = (
    Benchmark(
        name="doctor_start",
        what="processor time of `nocarrier doctor` against a running node, with its start and all its output",
        baseline="python -c 'import asyncio'",
        goal=Goal(4.0, is_ceiling=True),
        rounds=20,
        run=doctor_start,
    ),
)
