"""Two nodes that dial each other at the same time end with one connection, and agree on which one."""

from __future__ import annotations

import asyncio
import random

import pytest

from nocarrier.model.node.state import Direction
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire.messages import Goodbye
from testbed.nodes import RunningNode, eventually, facts, nodes_fixture
from testbed.provokes import provokes
from testbed.raw_peer import raw_dial

nodes = nodes_fixture

ROUNDS = 50


async def connect_after(delay_s: float, dialer: RunningNode, listener: RunningNode) -> Reason | None:
    await asyncio.sleep(delay_s)
    return (await dialer.node.connect(listener.addr)).reason


def agree(one: RunningNode, other: RunningNode) -> bool:
    """Whether each has exactly one session, and both are ends of the same connection."""
    if len(one.node.sessions) != 1 or len(other.node.sessions) != 1:
        return False
    ends = one.session_with(other), other.session_with(one)
    if any(end.end is not None for end in ends):
        return False
    return {end.direction for end in ends} == set(Direction)


@provokes(Reason.DUPLICATE_CONNECTION)
@pytest.mark.timeout(120)
async def test_simultaneous_dials_leave_exactly_one_connection(nodes):
    one, other = await nodes.start(), await nodes.start()
    rng = random.Random(7)
    reasons: set[Reason | None] = set()
    for _ in range(ROUNDS):
        # A handshake on loopback takes some 3 ms: all orders of its steps occur.
        delays = [0.0, rng.choice((0.0, rng.uniform(0, 0.006)))]
        rng.shuffle(delays)
        reasons |= set(await asyncio.gather(connect_after(delays[0], one, other), connect_after(delays[1], other, one)))
        await eventually(lambda: agree(one, other))
        await asyncio.sleep(0.02)  # what is still under way could undo it
        assert agree(one, other)
        await one.session_with(other).close("bye")
        await eventually(lambda: not one.node.sessions and not other.node.sessions)
    assert Reason.DUPLICATE_CONNECTION in reasons
    assert reasons <= {None, Reason.DUPLICATE_CONNECTION, Reason.ALREADY_CONNECTED}
    for peer in (one, other):
        for entry in peer.recorded(reason=Reason.DUPLICATE_CONNECTION):
            assert facts(entry) == ("duplicate_connection", "failure", "handshake", "none", "direct")
            assert not entry.penalised
        totals = peer.tracker.totals()
        assert totals.started == totals.succeeded + totals.failed
        # Sessions ended by the test count; sessions that a duplicate replaced do not.
        assert totals.disconnected_early <= ROUNDS


async def test_a_peer_that_dials_again_on_a_new_connection_replaces_its_old_one(nodes):
    listener = await nodes.start()
    async with raw_dial(listener.addr, boot_id=b"sameboot") as first:
        await first.shake_hands()
        await eventually(lambda: listener.node.sessions)
        async with raw_dial(listener.addr, identity=first.identity, boot_id=b"sameboot") as second:
            await second.shake_hands()
            assert (await first.receive_until(Goodbye)).code == "duplicate_connection"
            await first.wait_closed()
            assert len(listener.node.sessions) == 1
