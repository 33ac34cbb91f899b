"""Runs the command line like a user, in its own process."""

from __future__ import annotations

import os
import subprocess
import sys


def nocarrier(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOCARRIER_")}
    return subprocess.run(
        [sys.executable, "-m", "nocarrier.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**inherited, "PYTHONWARNINGS": "error", "TERM": "dumb", **environ},
    )
