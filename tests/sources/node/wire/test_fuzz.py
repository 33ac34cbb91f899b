"""A short run of the fuzzer; `fuzz_wire.py --seconds 600` is the long one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from testbed.netns import REPOSITORY

FUZZER = "tests.sources.node.wire.fuzz_wire"


@pytest.mark.slow
def test_ten_seconds_of_coverage_guided_fuzzing_find_no_fault(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", FUZZER, "--seconds", "10", "--corpus", tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    seeds = re.search(r"(\d+) seeds", run.stdout)
    executed = re.search(r"number_of_executed_units: (\d+)", run.stderr)
    assert seeds, run.stdout
    assert executed, run.stderr
    assert int(executed[1]) > int(seeds[1]), "it came no further than its seeds"
    # Without coverage libFuzzer is blind, and finding nothing means nothing. Whether it also finds an input worth
    # keeping depends on what else the machine does in those ten seconds.
    covered = re.findall(r"\bcov: (\d+)", run.stderr)
    assert covered, run.stderr
    assert int(covered[-1]) > 100, "it does not see which code it reaches"
