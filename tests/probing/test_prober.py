"""The prober: once per finding and minute, for all callers; never beyond policy; never beyond its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from nocarrier.dialing import AddressPolicy
from nocarrier.model.address import Address
from nocarrier.model.finding import EvidenceItem, Finding, Severity
from nocarrier.model.probe import Answer, Looks, Probe, ProbeFacts, ProbePlan
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import say
from nocarrier.probing.facts import gather_facts
from nocarrier.probing.prober import KEPT_FOR_S, Prober
from nocarrier.testing.fault_servers import FAULT_SERVERS

ALL = frozenset(Probe)
LOOPBACK = AddressPolicy(allow_networks=["127.0.0.0/8"])


class ManualClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Listener:
    """A port that accepts, and counts how often it was connected to."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self.addr = f"127.0.0.1:{sock.getsockname()[1]}"

    def count(self) -> int:
        accepted = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._sock.accept()[0].close()
                accepted += 1
        return accepted


@pytest.fixture
def listener() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield Listener(sock)


def finding(code: str, *addrs: str) -> Finding:
    return Finding(
        code=code,
        title=say(""),
        severity=Severity.WARNING,
        blame=Blame.THEM,
        summary=say(""),
        confidence=0.5,
        evidence=(EvidenceItem(statement=say(""), count=len(addrs), addrs=addrs),),
        affected_peers=len(addrs),
        affected_dials=len(addrs),
        next_actions=(),
        since_unix=0.0,
        looks=Looks(frozenset({Probe.REDIAL})),
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def prober(clock):
    made = Prober(LOOPBACK, clock=clock, wall_clock=lambda: 1.7e9)
    yield made
    await made.close()


async def never(name: str) -> list[str]:
    raise AssertionError(f"{name} was looked up")


# ---- at most once per finding and minute ----------------------------------------------------------------------------


async def test_a_finding_is_probed_once_a_minute_and_the_kept_result_says_its_age(prober, clock, listener):
    first = await prober.probe(finding("peer_down", listener.addr))
    clock.now_s += KEPT_FOR_S - 1
    kept = await prober.probe(finding("peer_down", listener.addr))
    assert listener.count() == 1
    clock.now_s += 1
    again = await prober.probe(finding("peer_down", listener.addr))

    assert listener.count() == 1
    assert (first.age_s, kept.age_s, again.age_s) == (0.0, KEPT_FOR_S - 1, 0.0)
    assert kept.facts == first.facts
    assert (first.code, first.probed_unix) == ("peer_down", 1.7e9)
    assert [str(statement.text).partition(":")[0] for statement in first.statements] == [
        listener.addr.partition(":")[0]
    ]


async def test_another_finding_is_probed_at_once(prober, listener):
    await prober.probe(finding("peer_down", listener.addr))
    await prober.probe(finding("seeds_down", listener.addr))

    assert listener.count() == 2


async def test_a_caller_during_a_probe_waits_for_the_same_probe(prober, listener):
    results = await asyncio.gather(*(prober.probe(finding("peer_down", listener.addr)) for _ in range(5)))

    assert listener.count() == 1
    assert len({result.facts.targets[0].redial.duration_s for result in results}) == 1


async def test_a_caller_that_goes_away_does_not_end_the_probe(prober, listener):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await prober.probe(finding("peer_down", listener.addr))

    result = await prober.probe(finding("peer_down", listener.addr))

    assert listener.count() == 1
    assert result.facts.targets[0].redial.answer is Answer.CONNECTED


async def test_findings_are_probed_one_after_the_other(clock):
    at_once = most_at_once = 0

    async def resolve(name: str) -> list[str]:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return []

    prober = Prober(LOOPBACK, resolve, clock=clock)
    await asyncio.gather(*(prober.probe(finding(code, "seed.test:7072")) for code in ("a", "b", "c")))

    assert most_at_once == 1


async def test_closing_ends_a_running_probe(clock):
    async def resolve(name: str) -> list[str]:
        await asyncio.sleep(60)
        return []

    prober = Prober(LOOPBACK, resolve, clock=clock)
    asked = asyncio.create_task(prober.probe(finding("a", "seed.test:7072")))
    await asyncio.sleep(0)
    await prober.close()

    with pytest.raises(asyncio.CancelledError):
        await asked


# ---- what is looked at, and what is not -----------------------------------------------------------------------------


async def test_everything_is_noted_about_a_peer(listener):
    plan = ProbePlan(probes=ALL, addrs=(listener.addr,))

    facts = await gather_facts(plan, LOOPBACK, never)

    [target] = facts.targets
    assert (target.addr, target.ip, target.is_own) == (listener.addr, "127.0.0.1", True)
    assert target.redial.answer is Answer.CONNECTED
    assert [hop.answer for hop in target.trace.hops] == [Answer.CONNECTED]
    assert [port.port for port in target.other_ports] == [443, 80, 22]
    assert facts.way_out is not None
    assert facts.resolver is None  # there was no name


async def test_nothing_planned_is_nothing_done(listener):
    facts = await gather_facts(ProbePlan(probes=frozenset(), addrs=(listener.addr, "seed.test:1")), LOOPBACK, never)

    assert facts == ProbeFacts()
    assert listener.count() == 0


async def test_a_forbidden_address_is_not_probed_and_the_result_says_so(listener):
    port = int(listener.addr.rpartition(":")[2])
    addrs = (listener.addr, "not an address", f"localhost.test:{port}")

    async def resolve(name: str) -> list[str]:
        return ["127.0.0.1", "10.0.0.1"]

    facts = await gather_facts(ProbePlan(probes=ALL, addrs=addrs), AddressPolicy(), resolve)

    assert [target.blocked for target in facts.targets] == [
        Reason.LOOPBACK_BLOCKED,
        Reason.INVALID_IPV4_ENDPOINT,
        Reason.PRIVATE_IP_BLOCKED,
    ]
    assert all(target.redial is None and target.trace is None and not target.other_ports for target in facts.targets)
    assert listener.count() == 0


async def test_the_first_allowed_address_of_a_name_is_probed(listener):
    port = int(listener.addr.rpartition(":")[2])

    async def resolve(name: str) -> list[str]:
        return ["10.0.0.1", "::1", "127.0.0.1"]

    plan = ProbePlan(probes=frozenset({Probe.REDIAL}), addrs=(f"seed.test:{port}",))
    facts = await gather_facts(plan, LOOPBACK, resolve)

    [target] = facts.targets
    assert (target.ip, target.blocked, target.redial.answer) == ("127.0.0.1", None, Answer.CONNECTED)
    assert facts.resolver.lookups[0].addrs == ("10.0.0.1", "::1", "127.0.0.1")


async def test_a_name_without_an_address_says_why():
    async def resolve(name: str) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    facts = await gather_facts(ProbePlan(probes=ALL, addrs=("seed.test:7072",)), LOOPBACK, resolve)

    assert facts.targets[0].blocked is Reason.DNS_TEMPORARY


async def test_our_own_address_is_not_probed(listener):
    policy = AddressPolicy(allow_networks=["127.0.0.0/8"])
    policy.own_addresses.add(Address("0.0.0.0", int(listener.addr.rpartition(":")[2])))

    facts = await gather_facts(ProbePlan(probes=ALL, addrs=(listener.addr,)), policy, never)

    assert facts.targets[0].blocked is Reason.SELF_DIAL_BLOCKED
    assert listener.count() == 0


async def test_at_most_three_peers_are_probed(listener):
    plan = ProbePlan(probes=frozenset({Probe.REDIAL}), addrs=(listener.addr,) * 5)

    assert len((await gather_facts(plan, LOOPBACK, never)).targets) == 3
    assert listener.count() == 3


async def test_a_known_http_port_is_asked_first_and_the_peers_own_port_never():
    async with FAULT_SERVERS["closed_port"]() as port:
        addr = "127.0.0.1:443"
        plan = ProbePlan(probes=frozenset({Probe.OTHER_PORTS}), addrs=(addr,))

        facts = await gather_facts(plan, LOOPBACK, never, http_ports={addr: port})

    assert [answer.port for answer in facts.targets[0].other_ports] == [port, 80, 22]


async def test_results_are_kept_when_the_time_is_over(listener):
    async with FAULT_SERVERS["backlog_full"]() as port:
        plan = ProbePlan(probes=ALL, addrs=(listener.addr, f"127.0.0.1:{port}"))
        started = time.monotonic()

        facts = await gather_facts(plan, LOOPBACK, never, deadline_s=0.3)

    assert time.monotonic() - started < 1
    assert facts.targets[0].redial.answer is Answer.CONNECTED
    assert facts.targets[1].redial is None
    assert facts.way_out is not None
