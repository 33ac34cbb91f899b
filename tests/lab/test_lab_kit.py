"""The kit of the fault lab: its wire and its world do what they say, it finds errors, and it cleans up."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import json
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab import __main__ as program
from lab import trial
from lab.runner import run_all
from lab.scenario import Remedy, Scenario, at_start, once_connected
from lab.scenarios import SCENARIOS
from lab.setns import inside
from lab.steps import bad_server, link_down, link_up
from lab.trial import Result, false_findings
from lab.wire import WireSettings
from lab.world import World
from nocarrier.diagnosis import CAUSES
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX, Scope, netgroup_of, parse_ip, scope_of
from testbed import netns
from testbed.dialing import dial_in
from testbed.netns import REPOSITORY
from testbed.programs import requires_root_netns

pytestmark = requires_root_netns

PORT = 7072


# ---- the wire --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def datagrams(world: World):
    """Returns a function that sends datagrams of these sizes from `here` to the internet and returns those that
    arrive."""
    place = world.draw_place()
    with inside(world.internet.name):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(world.here.name):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((place.ipv4, PORT))

        def pass_through(*sizes: int) -> list[int]:
            for size in sizes:
                sender.sendto(bytes(size), (place.ipv4, PORT))
            arrived = []
            receiver.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                while True:
                    arrived.append(len(receiver.recv(65536)))
            return arrived

        yield pass_through


@pytest.mark.parametrize("between", [("gateway", "backbone"), ("here", "gateway"), ("backbone", "internet")])
def test_a_wire_delays_both_ways_and_carries_both_families(between):
    with World(random.Random(1), wire=WireSettings(delay_s=0.1), wire_between=between) as world:
        place = world.draw_place()
        for host in (place.ipv4, f"[{place.ipv6}]"):
            seen = dial_in(world.here, f"{host}:{PORT}")
            assert seen.reason == "connection_refused"
            assert seen.evidence["elapsed_s"] >= 0.2


def test_a_wire_loses_its_share_and_drops_large_packets():
    with World(random.Random(2), wire=WireSettings()) as world, datagrams(world) as pass_through:
        header = 28  # of IP and UDP
        assert pass_through(100, 1400) == [100, 1400]
        world.wire.set(mtu_bytes=1000)
        assert pass_through(1000 - header, 1001 - header, 1400, 100) == [1000 - header, 100]
        world.wire.set(mtu_bytes=65535, loss=0.5)
        assert 140 <= len(pass_through(*[100] * 400)) <= 260  # six standard deviations
        world.wire.set(loss=1.0)
        assert pass_through(100, 100) == []


# ---- the world -------------------------------------------------------------------------------------------------------


def network_of(host: str) -> str:
    return netgroup_of(host, ipv4_prefix=DEFAULT_NETGROUP_PREFIX)


def test_every_place_is_public_and_in_its_own_networks():
    with World(random.Random(3)) as world:
        places = [world.draw_place() for _ in range(5)]
        addresses = [host for place in places for host in (place.ipv4, place.ipv6)]
        assert {scope_of(parse_ip(host)) for host in addresses} == {Scope.PUBLIC}
        assert len(set(map(network_of, addresses))) == len(addresses)
        for place in places:
            assert (network_of(place.ipv4), network_of(place.ipv6)) == (place.network, place.network6)


def test_gateway_backbone_and_the_peer_are_three_different_hops():
    with World(random.Random(4)) as world:
        place = world.draw_place()
        hops = {}
        for role, hook in (("gateway", "forward"), ("backbone", "forward"), ("internet", "input")):
            host = getattr(world, role)
            world.firewall(host, hook, f"tcp dport {PORT} reject with icmpx admin-prohibited")
            hops[role] = dial_in(world.here, f"{place.ipv4}:{PORT}").evidence["icmp"]["hop"]
            world.lift_firewall(host)
        assert hops == {"gateway": world.gateway.ipv4, "backbone": world.backbone.ipv4, "internet": place.ipv4}
        assert len({*hops.values(), world.here.ipv4}) == 4
        world.unroute(place)
        icmp = dial_in(world.here, f"{place.ipv4}:{PORT}").evidence["icmp"]
        assert (icmp["type"], icmp["code"], icmp["hop"]) == (3, 0, world.backbone.ipv4)


def test_addresses_without_a_host_are_silent_where_they_should_be():
    with World(random.Random(5)) as world:
        seen = dial_in(world.here, f"{world.draw_place(carried=False).ipv4}:{PORT}", connect_s=0.5)
        assert seen.reason == "timeout"
        lost = world.draw_place()
        world.drop_place(lost)
        assert dial_in(world.here, f"{lost.ipv4}:{PORT}", connect_s=0.5).reason == "timeout"
        on_link = world.draw_place(carried=False)
        world.expect_on_link(on_link, by=world.backbone)
        seen = dial_in(world.here, f"{on_link.ipv4}:{PORT}", connect_s=6)
        assert (seen.reason, seen.evidence["icmp"]["hop"]) == ("host_unreachable", world.backbone.ipv4)


def test_the_cable_of_here_can_be_pulled_and_put_back():
    with World(random.Random(6)) as world:
        place = world.draw_place()
        world.link_down()
        assert dial_in(world.here, f"{place.ipv4}:{PORT}").reason == "network_unreachable"
        world.link_up()
        for host in (place.ipv4, f"[{place.ipv6}]"):
            assert dial_in(world.here, f"{host}:{PORT}").reason == "connection_refused"


def test_behind_a_nat_the_internet_sees_the_gateway():
    with World(random.Random(7), behind_nat=True) as world, contextlib.ExitStack() as stack:
        place = world.draw_place()
        assert ipaddress.ip_address(world.here.ipv4).is_private
        with inside(world.internet.name):
            listener, from_outside = (stack.enter_context(socket.socket()) for _ in range(2))
        with inside(world.here.name):
            dialer, here = (stack.enter_context(socket.socket()) for _ in range(2))
        listener.bind((place.ipv4, PORT))
        listener.listen()
        dialer.connect((place.ipv4, PORT))
        connection, (seen_host, _) = listener.accept()
        connection.close()
        assert seen_host == world.public_ipv4
        world.forward_port(PORT)
        here.bind(("0.0.0.0", PORT))
        here.listen()
        from_outside.bind((place.ipv4, 0))
        from_outside.connect((world.public_ipv4, PORT))


def test_the_seed_determines_every_random_choice():
    drawn = []
    for seed in (8, 8, 9):
        with World(random.Random(seed)) as world:
            drawn.append((world.here.ipv4, world.backbone.ipv6, world.draw_place(), world.draw_port()))
    assert drawn[0] == drawn[1] != drawn[2]


# ---- the verdicts ----------------------------------------------------------------------------------------------------

QUICK: dict[str, Any] = {"good_peers": (2, 2), "stays_s": 1, "watch_s": 15}
HASTY: dict[str, Any] = {"needs_s": 2, "within_s": 2}
"""For what must not be found, however long one waits."""

CLOSED_PORT = Scenario(
    name="closed_port_kit",
    what="Nobody listens on the port of one peer.",
    faults=(at_start(bad_server("closed_port", known_as="seed")),),
    expected_reason="connection_refused",
    expected_cause="peer_down",
    **QUICK,
)


def test_a_right_verdict_passes():
    result = trial.run(CLOSED_PORT, seed=1)
    assert result.passed, result.why_not
    assert (result.reason, result.cause, result.why_not) == ("connection_refused", "peer_down", None)
    assert result.confidence > 0
    assert result.seconds_to_cause is not None


def test_a_wrong_cause_fails_and_says_what_was_found_instead():
    result = trial.run(dataclasses.replace(CLOSED_PORT, expected_cause="clock_wrong", **HASTY), seed=1)
    assert not result.passed
    assert result.cause == "peer_down"
    assert result.why_not.startswith("clock_wrong was not found")
    assert "peer_down" in result.why_not
    assert any("connection_refused" in line for line in result.notes["failures"])


def test_a_reason_that_nobody_recorded_fails():
    result = trial.run(dataclasses.replace(CLOSED_PORT, expected_reason="banned", needs_s=0.5, within_s=0.5), seed=1)
    assert not result.passed
    assert result.why_not.startswith("banned was not recorded")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expected_severity": "critical"}, "peer_down was found, and its severity is info, not critical"),
        ({"expected_severity": "info", "expected_blame": "us"}, "peer_down was found, and its blame is them, not us"),
    ],
)
def test_a_finding_with_other_fields_than_expected_fails(changes, says):
    result = trial.run(dataclasses.replace(CLOSED_PORT, **changes, **HASTY), seed=1)
    assert not result.passed
    assert result.why_not.startswith(says)


def test_an_unexpected_finding_fails():
    offline = Scenario(
        name="not_healthy_kit",
        what="The cable is out, and the scenario claims that nothing is wrong.",
        faults=(once_connected(link_down, lambda stage: stage.add_absent(known_as="direct")),),
        expected_reason=None,
        expected_cause=None,
        **QUICK,
    )
    result = trial.run(offline, seed=1)
    assert not result.passed
    assert "offline" in result.why_not


def test_a_remedy_that_nobody_recommends_fails():
    remedy = Remedy(says="turn it off and on again", step=link_up)
    result = trial.run(dataclasses.replace(CLOSED_PORT, remedy=remedy), seed=1)
    assert not result.passed
    assert "turn it off and on again" in result.why_not


def test_a_fault_of_the_lab_is_reported_as_such():
    broken = dataclasses.replace(CLOSED_PORT, faults=(at_start(lambda stage: stage.peers.stop("nobody")),))
    result = trial.run(broken, seed=1)
    assert not result.passed
    assert result.why_not.startswith("the lab failed: RuntimeError: the peers cannot do that: KeyError")


def finding(code: str, severity: str) -> dict[str, str]:
    return {"code": code, "severity": severity, "summary": ""}


@pytest.mark.parametrize(
    ("changes", "false"),
    [
        ({}, ["seeds_down"]),
        ({"allowed_beside": ("seeds_down",)}, []),
        ({"expected_beside": ("seeds_down",)}, []),
        ({"expected_cause": None}, ["clock_wrong", "seeds_down"]),
        ({"expected_cause": None, "may_have_info": False}, ["clock_wrong", "seeds_down", "peer_down"]),
    ],
)
def test_which_findings_are_allowed_beside_a_cause(changes, false):
    scenario = Scenario(**{"name": "n", "what": "", "expected_reason": None, "expected_cause": "clock_wrong"} | changes)
    findings = [finding("clock_wrong", "warning"), finding("seeds_down", "critical"), finding("peer_down", "info")]
    assert [each["code"] for each in false_findings(findings, scenario)] == false


def test_scenarios_have_unique_names_and_a_description():
    assert len(SCENARIOS) >= 30
    assert all(scenario.what.endswith(".") for scenario in SCENARIOS.values())


# ---- cleaning up -----------------------------------------------------------------------------------------------------


def namespaces_made_by(pids) -> list[str]:
    return [path.name for pid in pids for path in netns.NETNS_DIRECTORY.glob(f"nc{pid}-*")]


def pids_in(namespaces: list[str]) -> list[Path]:
    listed = [
        subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
        for name in namespaces
    ]
    return [Path("/proc", pid) for done in listed for pid in done.stdout.split()]


def children_of(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def trials_under_way(lab: int) -> list[int]:
    """The processes of its trials, once one has both peers and a node under test (and a wire)."""
    trials = [pid for pid in children_of(lab) if namespaces_made_by([pid])]
    return trials if len(pids_in(namespaces_made_by(trials))) >= 2 else []


def eventually(holds, *, within_s: float):
    deadline_s = time.monotonic() + within_s
    while not (value := holds()):
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s"
        time.sleep(0.1)
    return value


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_namespace_or_process_is_left_however_the_lab_ends(ending, tmp_path):
    command = [sys.executable, "-m", "lab", "slow_satellite", "--output", str(tmp_path / "results.json")]
    lab = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        trials = eventually(lambda: trials_under_way(lab.pid), within_s=20)
        children = [child for pid in trials for child in (pid, *children_of(pid))]
        left = [*pids_in(namespaces_made_by(trials)), *(Path("/proc", str(pid)) for pid in children)]
        lab.send_signal(ending)
        lab.wait(timeout=20)
        eventually(lambda: not namespaces_made_by(trials) and not any(map(is_alive, left)), within_s=20)
    finally:
        lab.kill()
        lab.wait()


def is_alive(process: Path) -> bool:
    with contextlib.suppress(OSError):
        # A process without a parent here stays a zombie if process 1 does not reap it.
        return "State:\tZ" not in (process / "status").read_text()
    return False


class Hangs(Scenario):
    """A scenario that the runner has to end."""

    limit_s = 2.0


def test_a_scenario_that_hangs_is_ended_and_reported():
    hanging = Hangs(
        name="hangs",
        what="A step never returns.",
        faults=(at_start(lambda _: time.sleep(60)),),
        expected_reason=None,
        expected_cause=None,
    )
    [result] = run_all([(hanging, 1)], jobs=1)
    assert result == Result(
        scenario="hangs",
        expected_reason=None,
        expected_cause=None,
        seed=1,
        why_not="the lab failed: not done after 2 s",
        took_s=result.took_s,
    )
    assert result.took_s < 15


class BreaksTheRunner(Scenario):
    """A scenario that ends the whole run with an error."""

    @property
    def limit_s(self) -> float:
        raise RuntimeError("the runner breaks")


def test_results_are_written_before_a_run_breaks(tmp_path, monkeypatch):
    def step_that_raises(stage):
        stage.notes["not_json"] = {"a set"}
        raise ZeroDivisionError

    def scenario(kind, name, step):
        return kind(name=name, what="", faults=(at_start(step),), expected_reason=None, expected_cause=None)

    raises = scenario(Scenario, "raises", step_that_raises)
    breaks = scenario(BreaksTheRunner, "breaks", lambda _: time.sleep(60))
    monkeypatch.setattr(program, "SCENARIOS", {"raises": raises, "breaks": breaks})
    monkeypatch.setattr(program.signal, "signal", lambda *_: None)  # the handler of this process is pytest's
    output = tmp_path / "results.json"

    with pytest.raises(RuntimeError, match="the runner breaks"):
        program.main(["--jobs", "1", "--output", str(output)])

    [result] = json.loads(output.read_text())
    assert (result["scenario"], result["why_not"]) == ("raises", "the lab failed: ZeroDivisionError: ")
    assert result["notes"]["not_json"] == "{'a set'}"


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS.values() if each.remedy], ids=lambda each: each.name)
def test_what_the_operator_does_is_an_action_of_the_cause(scenario):
    """A text that was rewritten must not wait for `make lab` to be missed."""
    [cause] = [cause for cause in CAUSES if cause.code == scenario.expected_cause]

    said = [f"{action.text} {action.command or ''} {action.settings or ''}" for action in cause.next_actions]

    assert any(scenario.remedy.says in each for each in said), said
