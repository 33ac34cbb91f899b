"""`nocarrier doctor --probe` beside a real node, with three routers and a firewall between it and its seed."""

from __future__ import annotations

import sys
import time

import pytest

from testbed.netns_chain import Chain
from testbed.programs import requires_root_netns

pytestmark = [requires_root_netns]

SEED_PORT = 7072


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A node at one end of the chain, its seed at the other, and a router in between that refuses the seed's port."""
    with Chain() as made:
        made.routers[1].firewall("forward", f"tcp dport {SEED_PORT} reject with icmpx admin-prohibited")
        command = [sys.executable, "-u", "-m", "nocarrier", "run"]
        command += ["--node-seeds", f"{made.server.ipv4}:{SEED_PORT}", "--timing-connect-timeout-s", "1.5"]
        command += ["--node-data-dir", str(tmp_path_factory.mktemp("node"))]
        made.client.start(command, timeout_s=20)
        yield made


def doctor(network, *arguments, wait_for_s=20.0):
    """Its exit status and lines, as soon as something is wrong."""
    deadline = time.monotonic() + wait_for_s
    while True:
        done = network.client.run([sys.executable, "-m", "nocarrier", "doctor", *arguments], check=False, timeout_s=60)
        if done.returncode == 1:
            assert done.stderr == ""
            return done.stdout.splitlines()
        assert time.monotonic() < deadline, done
        time.sleep(0.3)


def test_the_probe_names_the_hop_that_refuses(network):
    seed = f"{network.server.ipv4}:{SEED_PORT}"
    doctor(network)
    lines = doctor(network, "--probe")
    said = " ".join(" ".join(lines).split())
    assert f"- {seed}: 198.18.2.2 (hop 2) answers that a rule forbids the connection." in said
    way = lines.index(next(line for line in lines if line.endswith(f"the route to {seed}:")))
    rows = [line.split() for line in lines[way + 1 : way + 5]]
    assert rows[0] == ["hop", "address", "ms", "what", "it", "said"]
    assert (rows[1][:2], rows[1][3:]) == (["1", "198.18.1.2"], ["a", "router", "on", "the", "way"])
    # A SYN whose TTL ends there dies before the rule is applied; one that would go further meets the rule.
    assert (rows[2][:2], rows[2][3:]) == (["2", "198.18.2.2"], ["a", "router", "on", "the", "way"])
    assert (rows[3][:2], rows[3][3:]) == (["3", "198.18.2.2"], ["unreachable", "(ICMP", "type", "3", "code", "13)"])
