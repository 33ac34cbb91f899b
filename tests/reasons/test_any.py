"""Reasons that can be seen in every phase."""

from __future__ import annotations

import asyncio

import pytest

import nocarrier
from nocarrier.model.taxonomy import Reason
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.dialing import dial_in
from testbed.programs import requires_root_netns
from testbed.provokes import provokes


async def cancelled_dial(addr, tracker, *, outer_s=0.05, resolve=None):
    """A dial whose caller has less time than the dial was given."""
    options = {"resolve": resolve} if resolve else {}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(outer_s), nocarrier.dial(addr, "gossip", tracker=tracker, **options) as d:
            reader, _ = await d.connect(timeout_s=10)
            async with d.phase("handshake", timeout_s=10):
                await reader.readexactly(1)


async def never(host):
    return await asyncio.Event().wait()


@provokes(Reason.CANCELLED)
@pytest.mark.parametrize(
    ("server", "resolve", "phase"),
    [("silent", None, "handshake"), ("backlog_full", None, "connect"), ("silent", never, "resolve")],
)
async def test_the_callers_own_deadline_is_not_the_peers_fault(server, resolve, phase):
    tracker = nocarrier.DialTracker()
    async with FAULT_SERVERS[server]() as port:
        await cancelled_dial(f"{'peer.test' if resolve else '127.0.0.1'}:{port}", tracker, resolve=resolve)
    [entry] = tracker.recent()
    assert (entry.reason, entry.kind, entry.blame, entry.phase) == ("cancelled", "cancelled", "none", phase)
    assert not entry.penalised
    totals = tracker.totals("gossip")
    assert (totals.started, totals.cancelled, totals.failed, totals.in_flight) == (1, 1, 0, 0)
    assert tracker.peers() == []


@provokes(Reason.CANCELLED)
async def test_a_cancelled_connection_attempt_is_kept_as_such():
    tracker = nocarrier.DialTracker()
    async with FAULT_SERVERS["backlog_full"]() as port:
        await cancelled_dial(f"127.0.0.1:{port}", tracker)
    [attempt] = tracker.recent()[0].attempts
    assert (attempt.reason, attempt.blame) == ("cancelled", "none")
    assert attempt.duration_s < 5


@provokes(Reason.CANCELLED)
async def test_a_block_that_never_dials_counts_as_our_own_doing():
    tracker = nocarrier.DialTracker()
    async with nocarrier.dial("203.0.113.7:7072", "seed", tracker=tracker):
        pass
    [entry] = tracker.recent()
    assert (entry.reason, entry.blame, entry.attempts) == ("cancelled", "none", ())


@requires_root_netns
@provokes(Reason.OTHER)
def test_an_error_that_is_not_in_the_table_is_kept_completely(network):
    network.router.firewall("forward", "ip protocol tcp reject with icmp prot-unreachable")
    seen = dial_in(network.client, f"{network.server.ipv4}:7072")
    assert (seen.reason, seen.phase, seen.blame) == ("other", "connect", "none")
    assert tuple(seen.evidence["icmp"].values()) == (3, 2, "198.18.1.1")
    assert seen.evidence["errno"] == seen.error_errno == "ENOPROTOOPT"
    assert "Protocol not available" in seen.detail
    assert not seen.penalised
