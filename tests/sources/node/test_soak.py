"""A short run of `make soak`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from testbed.programs import requires_root_netns

SOAK = "tools.soak"


@requires_root_netns
@pytest.mark.slow
@pytest.mark.timeout(150)
def test_twenty_seconds_of_churn():
    command = [sys.executable, "-m", SOAK, "--seconds", "20", "--churn", "random"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=140)
    assert run.returncode == 0, run.stderr + run.stdout
    assert "passed" in run.stdout
