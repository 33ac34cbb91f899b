"""What `import nocarrier` adds to the start of a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nocarrier
from bench.measure import Benchmark, Goal, Result, compare

# Time inside a fresh interpreter, so that its own start, the same for both, is left out. -I: nothing from the user's
# environment is used; the folder of the package is passed instead.
_SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
started = time.process_time()
import {module}
print(time.process_time() - started)
"""


def _import_seconds(module: str) -> float:
    folder = Path(nocarrier.__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-I", "-c", _SCRIPT.format(module=module), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def import_time(rounds: int) -> Result:
    return compare(lambda: _import_seconds("nocarrier"), lambda: _import_seconds("asyncio"), rounds=rounds, unit="s")


BENCHMARKS = (
    Benchmark(
        name="import_time",
        what="import nocarrier, in a fresh interpreter",
        baseline="import asyncio",
        goal=Goal(1.6, is_ceiling=True),
        rounds=40,
        run=import_time,
    ),
)
