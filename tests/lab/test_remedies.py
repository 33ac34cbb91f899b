"""The doctor's advice helps: each of these next actions, really carried out, ends its finding.

`make lab` runs the same scenarios and all others; these are the quick ones, one for each kind of remedy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lab.scenarios import SCENARIOS
from testbed.netns import PYTHON_PATH, REPOSITORY
from testbed.programs import requires_root_netns

pytestmark = [requires_root_netns, pytest.mark.slow, pytest.mark.timeout(400)]

REMEDIES = (
    "all_seeds_down",
    "banned_by_three_peers",
    "captive_portal",
    "descriptors_used_up",
    "ipv6_without_a_route",
    "link_down_at_start",
    "no_default_route",
    "own_chain_wrong",
    "own_clock_ahead",
    "own_ticket_missing",
    "own_version_too_old",
    "resolver_refuses",
)


def test_each_is_a_next_action_and_clears_its_finding(tmp_path):
    assert all(SCENARIOS[name].remedy is not None for name in REMEDIES)
    results = tmp_path / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "lab", *REMEDIES, "--jobs", "4", "--output", str(results)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((PYTHON_PATH, str(REPOSITORY)))},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = {result["scenario"] for result in json.loads(results.read_text()) if result["passed"]}
    assert passed == set(REMEDIES), done.stdout
