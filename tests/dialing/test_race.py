"""Several addresses of one peer: the first to connect wins, all are recorded, and no socket is left open."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

import nocarrier
from nocarrier.dialing.dial import MAX_RESOLVED
from nocarrier.dialing.race import MAX_ADDRESSES, STAGGER_S, Race
from nocarrier.model.address import Address
from nocarrier.testing.fault_servers import FAULT_SERVERS, backlog_full, closed_port


def sockets() -> set[str]:
    """This process's open sockets, by inode."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                found.add(target)
    return found


def resolver(*hosts):
    async def resolve(_):
        return list(hosts)

    return resolve


@contextlib.asynccontextmanager
async def addresses(**servers):
    """Fault servers on one port of several loopback addresses: ``addresses(**{"127.0.0.2": closed_port})``."""
    async with contextlib.AsyncExitStack() as stack:
        port = 0
        for host, server in servers.items():
            port = await stack.enter_async_context(server(host, port))
        yield port


silent = FAULT_SERVERS["silent"]


async def test_the_first_to_connect_wins_and_the_losers_are_kept_as_attempts():
    tracker = nocarrier.DialTracker()
    async with addresses(**{"127.0.0.2": closed_port, "127.0.0.3": backlog_full, "127.0.0.4": silent}) as port:
        resolve = resolver("127.0.0.2", "127.0.0.3", "127.0.0.4")
        async with nocarrier.dial(f"peer.test:{port}", "seed", tracker=tracker, resolve=resolve) as d:
            _, writer = await d.connect()
            assert writer.get_extra_info("peername")[0] == "127.0.0.4"
        writer.close()
    [won] = tracker.snapshot().successes
    told = {attempt.addr.partition(":")[0]: (attempt.reason, attempt.blame) for attempt in won.attempts}
    assert told == {
        "127.0.0.2": ("connection_refused", "them"),
        "127.0.0.3": ("cancelled", "none"),
        "127.0.0.4": (None, None),
    }
    assert tracker.recent() == [], "losers are attempts, not failed dials"
    assert tracker.totals().started == tracker.totals().succeeded == 1


async def test_the_next_address_is_tried_at_once_after_a_refusal_and_after_the_stagger_if_silent():
    async with addresses(**{"127.0.0.2": closed_port, "127.0.0.3": backlog_full, "127.0.0.4": silent}) as port:
        race = Race([Address(f"127.0.0.{n}", port) for n in (2, 3, 4)], 5, asyncio.get_running_loop().time())
        with await race.run():
            starts_s = {attempt.addr: attempt.started_s for attempt in race.attempts}
    assert starts_s[f"127.0.0.3:{port}"] < STAGGER_S
    assert STAGGER_S <= starts_s[f"127.0.0.4:{port}"] < 2 * STAGGER_S + 0.5


async def test_when_all_fail_the_most_telling_error_is_raised_with_its_errno():
    tracker = nocarrier.DialTracker()
    async with addresses(**{"127.0.0.2": backlog_full, "127.0.0.3": closed_port}) as port:
        resolve = resolver("127.0.0.2", "127.0.0.3")
        with pytest.raises(ConnectionRefusedError) as raised:
            async with nocarrier.dial(f"peer.test:{port}", "seed", tracker=tracker, resolve=resolve) as d:
                await d.connect(timeout_s=0.4)
    [entry] = tracker.recent()
    assert raised.value.errno == 111
    assert (entry.reason, entry.blame) == ("connection_refused", "them"), "an answer says more than silence"
    assert sorted(attempt.reason for attempt in entry.attempts) == ["connection_refused", "timeout"]
    assert entry.evidence["errno"] == "ECONNREFUSED"


async def test_a_family_that_this_machine_lacks_does_not_hide_the_error_of_the_other():
    tracker = nocarrier.DialTracker()
    async with closed_port() as port:
        resolve = resolver("255.255.255.255", "127.0.0.1")  # connect() itself refuses the first: EACCES or ENETUNREACH
        with pytest.raises(ConnectionRefusedError):
            async with nocarrier.dial(f"peer.test:{port}", "seed", tracker=tracker, resolve=resolve) as d:
                await d.connect(timeout_s=2)
    [entry] = tracker.recent()
    assert [attempt.blame for attempt in entry.attempts] == ["us", "them"]


async def test_no_socket_is_leaked():
    before = sockets()
    async with addresses(**{"127.0.0.2": backlog_full, "127.0.0.3": silent, "127.0.0.4": silent}) as port:
        within = sockets()
        for hosts in (["127.0.0.2", "127.0.0.3"], ["127.0.0.3", "127.0.0.4"], ["127.0.0.2"]):
            race = Race([Address(host, port) for host in hosts], 0.3, 0.0)
            winner = await race.run()
            assert len(sockets() - within) <= (winner is not None) + 2, "the winner, and what the servers accepted"
            if winner is not None:
                winner.close()
    await asyncio.sleep(0.01)
    assert sockets() <= before


async def test_a_race_cancelled_at_any_moment_closes_all_its_sockets():
    """Several connect at once while the caller gives up: all of their sockets are closed, even the winner's."""
    before = sockets()
    async with addresses(**{f"127.0.0.{n}": silent for n in range(2, 6)}) as port:
        race_over = [Address(f"127.0.0.{n}", port) for n in range(2, 6)]
        within = sockets()
        for turns in range(12):
            racing = asyncio.ensure_future(Race(race_over, 5, 0.0).run())
            for _ in range(turns):
                await asyncio.sleep(0)
            racing.cancel()
            [outcome] = await asyncio.gather(racing, return_exceptions=True)
            if not isinstance(outcome, BaseException):
                outcome.close()
        ours = [task for task in asyncio.all_tasks() if "_attempt" in repr(task)]
        assert ours == []
        assert within <= sockets()
    await asyncio.sleep(0.01)
    assert sockets() <= before


@pytest.mark.parametrize("turns", range(4))
async def test_a_winner_is_closed_when_the_caller_gives_up_while_the_losers_end(turns):
    before = sockets()
    async with addresses(**{"127.0.0.2": backlog_full, "127.0.0.3": silent}) as port:
        race = Race([Address("127.0.0.2", port), Address("127.0.0.3", port)], 5, 0.0)
        racing = asyncio.ensure_future(race.run())
        while not any(attempt.fault is None for attempt in race.attempts):
            await asyncio.sleep(0)
        for _ in range(turns):  # 127.0.0.3 has won, 127.0.0.2 is being cancelled
            await asyncio.sleep(0)
        racing.cancel()
        [outcome] = await asyncio.gather(racing, return_exceptions=True)
        if not isinstance(outcome, asyncio.CancelledError):
            outcome.close()
    del outcome
    await asyncio.sleep(0.01)
    assert sockets() <= before


async def test_only_some_addresses_of_an_endless_name_are_tried():
    tracker = nocarrier.DialTracker()
    async with closed_port("127.0.0.2") as port:
        resolve = resolver(*["127.0.0.2"] * 500)
        with pytest.raises(ConnectionRefusedError):
            async with nocarrier.dial(f"peer.test:{port}", "seed", tracker=tracker, resolve=resolve) as d:
                await d.connect()
    assert len(tracker.recent()[0].attempts) == MAX_ADDRESSES


async def test_the_deadline_applies_to_all_addresses_together():
    async with addresses(**{f"127.0.0.{n}": backlog_full for n in range(2, 6)}) as port:
        race = Race([Address(f"127.0.0.{n}", port) for n in range(2, 6)], 0.4, 0.0)
        started_s = time.perf_counter()
        assert await race.run() is None
        assert time.perf_counter() - started_s < 1.5
    assert {attempt.fault and attempt.fault.reason for attempt in race.attempts} == {"timeout"}


async def test_a_failed_dial_keeps_where_its_name_led():
    tracker = nocarrier.DialTracker()
    async with closed_port("127.0.0.1", 0) as port:
        resolve = resolver(*(f"127.0.0.{number}" for number in range(1, 8)))
        with pytest.raises(OSError):
            async with nocarrier.dial(f"peer.test:{port}", "seed", tracker=tracker, resolve=resolve) as d:
                await d.connect()
        with pytest.raises(OSError):
            async with nocarrier.dial(f"127.0.0.1:{port}", "seed", tracker=tracker) as d:
                await d.connect()
    by_name, by_address = tracker.recent()
    assert by_name.evidence["resolved_to"] == [f"127.0.0.{number}" for number in range(1, MAX_RESOLVED + 1)]
    assert "resolved_to" not in by_address.evidence


async def test_a_dial_that_policy_forbids_keeps_where_its_name_led():
    tracker = nocarrier.DialTracker()
    policy = nocarrier.AddressPolicy()
    with pytest.raises(nocarrier.DialSkipped):
        async with nocarrier.dial(
            "peer.test:1", "seed", tracker=tracker, policy=policy, resolve=resolver("0.0.0.0")
        ) as d:
            await d.connect()
    [failure] = tracker.recent()
    assert (failure.reason, failure.evidence["resolved_to"]) == ("invalid_ipv4_endpoint", ["0.0.0.0"])
