"""Dial-backs: which peers are dialed on request, what is answered, and what a node concludes from the answers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from msgspec import structs

from nocarrier.model.node.state import Reachability
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node import listener
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.reachability import dial_back, self_check
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import DialBack, DialBackOutcome, DialBackResult, Hello, Ping, Pong, Reject
from testbed.netns import Network
from testbed.node_process import NodeProcess
from testbed.nodes import GENESIS, TIMING, RunningNode, eventually, nodes_fixture
from testbed.programs import requires_root_netns
from testbed.raw_peer import RawPeer, raw_dial, raw_listener

nodes = nodes_fixture

ASKER = "127.90.0.1"
BOOT_ID = b"the boot"

REACHED, NOT_REACHED, REFUSED = DialBackOutcome


@contextlib.asynccontextmanager
async def session_from(node: RunningNode, host: str = ASKER, **claims) -> AsyncIterator[RawPeer]:
    """A peer at `host` in session with `node`."""
    async with raw_dial(node.addr, local_host=host, boot_id=BOOT_ID, **claims) as peer:
        await peer.shake_hands()
        await eventually(lambda: peer.identity.node_id in node.node.sessions)
        yield peer


async def ask(peer: RawPeer, port: int, nonce: int = 1) -> tuple[DialBackOutcome, str | None]:
    await peer.send(DialBack(nonce=nonce, port=port))
    result = await peer.receive_until(DialBackResult)
    assert result.nonce == nonce
    return result.outcome, result.reason


def port_of(addr: str) -> int:
    return int(addr.rpartition(":")[2])


# ---- trying for others -----------------------------------------------------------------------------------------------


async def test_the_very_process_that_asks_is_reached_with_two_hellos(nodes):
    node = await nodes.start()
    heard: list[Hello] = []

    async def answer(peer: RawPeer) -> None:
        heard.append(await peer.introduce())
        await peer.wait_closed()

    async with (
        session_from(node) as peer,
        raw_listener(answer, host=ASKER, identity=peer.identity, boot_id=BOOT_ID) as addr,
    ):
        assert await ask(peer, port_of(addr)) == (REACHED, None)
    assert [(hello.dial_back, hello.node_id) for hello in heard] == [(True, node.node_id)]
    dial_backs = node.node.dial_backs
    assert (dial_backs.asked_total, dial_backs.answered_total, dial_backs.refused_total) == (1, 1, 0)


async def test_a_dial_back_is_not_a_dial_and_leaves_no_record(nodes):
    node = await nodes.start()
    async with session_from(node) as peer:
        assert await ask(peer, 1) == (NOT_REACHED, Reason.CONNECTION_REFUSED)
        assert node.recorded() == []
        assert node.tracker.totals().started == 0
        assert f"{ASKER}:1" not in node.node.book


@pytest.mark.parametrize("change", [{"identity": Identity.generate()}, {"boot_id": b"restart."}], ids=["node", "boot"])
async def test_another_node_or_process_on_that_port_is_not_the_asker(nodes, change):
    node = await nodes.start()
    async with session_from(node) as peer:
        claims = {"identity": peer.identity, "boot_id": BOOT_ID} | change
        async with raw_listener(lambda answering: answering.introduce(), host=ASKER, **claims) as addr:
            assert await ask(peer, port_of(addr)) == (NOT_REACHED, Reason.PEER_ID_MISMATCH)


async def http(peer: RawPeer) -> None:
    await peer.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def silence(peer: RawPeer) -> None:
    await peer.wait_closed()


async def rejection(peer: RawPeer) -> None:
    await peer.send_bytes(PREAMBLE)
    await peer.send(Reject(code="too_many_peers"))


@pytest.mark.parametrize(
    ("script", "reason"),
    [(http, "not_our_protocol"), (silence, "handshake_timeout"), (rejection, "too_many_peers")],
)
async def test_without_a_hello_the_asker_is_not_reached_and_learns_why(nodes, script, reason):
    node = await nodes.start()
    async with session_from(node) as peer, raw_listener(script, host=ASKER) as addr:
        assert await ask(peer, port_of(addr)) == (NOT_REACHED, reason)


async def test_a_stall_of_our_own_loop_is_not_a_verdict_about_the_asker(nodes):
    node = await nodes.start()
    connected = asyncio.Event()

    async def silence_after_hello(peer: RawPeer) -> None:
        connected.set()
        await peer.wait_closed()

    async with session_from(node) as peer, raw_listener(silence_after_hello, host=ASKER) as addr:
        await peer.send(DialBack(nonce=1, port=port_of(addr)))
        await connected.wait()
        time.sleep(2)  # stalls the loop of node and peer past the node's deadline
        result = await peer.receive_until(DialBackResult)
    assert (result.outcome, result.reason) == (REFUSED, Reason.HANDSHAKE_TIMEOUT)
    assert node.node.dial_backs.refused_total == 1


async def test_nothing_that_the_asker_says_leads_to_another_host(nodes):
    node = await nodes.start()
    others = 0

    async def count(peer: RawPeer) -> None:
        nonlocal others
        others += 1

    async with raw_listener(count, host="127.91.0.1") as victim, session_from(node) as peer:
        question = {"type": "dial_back", "nonce": 1, "port": port_of(victim)}
        wishes = {"addr": victim, "host": "127.91.0.1", "ip": "127.91.0.1", "advertised": victim}
        await peer.send_bytes(frame(msgspec.msgpack.encode(question | wishes)))
        result = await peer.receive_until(DialBackResult)
        assert (result.outcome, result.reason) == (NOT_REACHED, Reason.CONNECTION_REFUSED)
    assert others == 0


async def test_a_peer_that_advertises_another_host_is_still_dialed_at_its_own(nodes):
    node = await nodes.start()
    others = 0

    async def count(peer: RawPeer) -> None:
        nonlocal others
        others += 1

    async with (
        raw_listener(count, host="127.91.0.1") as victim,
        session_from(node, advertised=victim, listen_port=port_of(victim)) as peer,
    ):
        assert await ask(peer, port_of(victim)) == (NOT_REACHED, Reason.CONNECTION_REFUSED)
    assert others == 0


async def test_a_peer_that_asks_a_hundred_times_is_dialed_once(nodes):
    node = await nodes.start()
    connections = 0

    async def count(peer: RawPeer) -> None:
        nonlocal connections
        connections += 1

    async with session_from(node) as peer, raw_listener(count, host=ASKER) as addr:
        for nonce in range(100):
            await peer.send(DialBack(nonce=nonce, port=port_of(addr)))
        results = [await peer.receive_until(DialBackResult) for _ in range(100)]
        async with session_from(node) as again:  # it does not help to connect again either
            assert await ask(again, port_of(addr)) == (REFUSED, "rate_limited")
    assert connections == 1
    assert sorted(result.nonce for result in results) == list(range(100))
    assert [result.reason for result in results].count("rate_limited") == 99
    assert node.node.dial_backs.refused_total == 100


async def test_after_half_a_minute_it_may_ask_again(nodes, monkeypatch):
    monkeypatch.setattr(dial_back, "PER_HOST_S", 0.1)
    node = await nodes.start()
    async with session_from(node) as peer:
        assert await ask(peer, 1) == (NOT_REACHED, Reason.CONNECTION_REFUSED)
        await asyncio.sleep(0.11)
        assert await ask(peer, 1) == (NOT_REACHED, Reason.CONNECTION_REFUSED)


async def test_only_a_few_are_dialed_at_once(nodes):
    node = await nodes.start(timing=structs.replace(TIMING, handshake_attempt_s=20, handshake_window_s=30))
    async with contextlib.AsyncExitStack() as stack:
        asked = []
        for number in range(dial_back.AT_ONCE_MAX + 1):
            host = f"127.{100 + number}.0.1"
            peer = await stack.enter_async_context(session_from(node, host))
            addr = await stack.enter_async_context(raw_listener(silence, host=host))
            await peer.send(DialBack(nonce=1, port=port_of(addr)))
            asked.append(peer)
        assert (await asked[-1].receive_until(DialBackResult)).reason == "busy"
        tasks = len(asyncio.all_tasks())
        await node.stop()  # those under way end with the node
        assert len(asyncio.all_tasks()) < tasks
    assert node.node.dial_backs.answered_total == 0


async def test_policy_and_bans_are_obeyed(nodes):
    strict = await nodes.start(allow_networks=())
    async with session_from(strict) as peer:
        assert await ask(peer, 7072) == (REFUSED, Reason.LOOPBACK_BLOCKED)
    node = await nodes.start()
    node.node.ban(f"{ASKER}:7072")
    async with session_from(node) as peer:
        assert await ask(peer, 7072) == (REFUSED, Reason.BANNED)
    async with session_from(node, node.host) as peer:  # a process on our own machine asks about our own port
        assert await ask(peer, node.port) == (REFUSED, Reason.SELF_DIAL_BLOCKED)
    assert node.node.listener.dialed_back_total == 0


# ---- being dialed back -----------------------------------------------------------------------------------------------


async def look(node: RunningNode, **options) -> tuple[Hello, bytes]:
    """Dial `node` back; returns its Hello and whatever came after it."""
    async with raw_dial(node.addr, **options) as peer:
        hello = await peer.introduce(dial_back=True)
        return hello, await asyncio.wait_for(peer.reader.read(), 5)


async def test_a_listener_answers_a_dial_back_with_its_hello_and_ends(nodes):
    node = await nodes.start(bans=("127.92.0.1",), max_peers=1)
    async with session_from(node):
        for options in (
            {},
            {"genesis": "cd" * 32},
            {"local_host": "127.92.0.1"},
            {"identity": node.node.identity},
        ):
            hello, rest = await look(node, **options)
            assert (hello.node_id, rest) == (node.node_id, b"")
        assert len(node.node.sessions) == 1
    assert node.node.listener.dialed_back_total == 4
    assert node.node.listener.rejections == {}
    assert node.recorded() == []
    await eventually(lambda: node.node.listener.pending == 0)


async def test_a_dial_back_does_not_replace_a_session(nodes):
    node = await nodes.start()
    async with session_from(node) as peer:
        session = node.node.sessions.get(peer.identity.node_id)
        await look(node, identity=peer.identity, boot_id=b"restart.")
        assert node.node.sessions.get(peer.identity.node_id) is session
        assert session.end is None


async def test_dial_backs_that_do_not_leave_make_room_like_any_other_handshake(nodes):
    node = await nodes.start()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(listener.MAX_PENDING_PER_HOST + 1):
            peer = await stack.enter_async_context(raw_dial(node.addr))
            await peer.introduce(dial_back=True)
        await eventually(lambda: node.node.listener.rejections["too_many_pending"] == 1)
        assert node.node.listener.pending <= listener.MAX_PENDING_PER_HOST


# ---- asking others ---------------------------------------------------------------------------------------------------


def verdict(node: RunningNode) -> tuple[Reachability, int, int]:
    state = node.node.info().reachability
    return state.state, state.reached_by, state.not_reached_by


async def test_two_nodes_find_each_other_reachable_and_record_nothing(nodes):
    dialer, other = await nodes.pair(lan_mode=True)
    for node in (dialer, other):
        await eventually(lambda node=node: verdict(node) == (Reachability.PUBLIC, 1, 0))
        state = node.node.info().reachability
        assert state.addr == node.addr
        assert state.checked_unix is not None
        assert node.recorded() == []
        assert node.node.listener.rejections == {}
        assert node.node.listener.dialed_back_total == 1
        assert node.node.reachability.answered_total == 1
    assert dialer.tracker.totals().started == 1
    assert other.tracker.totals().started == 0
    assert dialer.is_connected_with(other)


async def test_a_full_node_is_reachable_as_well(nodes):
    first, second = await nodes.start(lan_mode=True, max_peers=1), await nodes.start(lan_mode=True, max_peers=1)
    await first.node.connect(second.addr)
    await eventually(lambda: verdict(first)[0] is verdict(second)[0] is Reachability.PUBLIC)


async def test_outside_lan_mode_peers_that_see_us_from_inside_are_not_asked(nodes):
    dialer, other = await nodes.pair()
    await eventually(lambda: other.session_with(dialer).latency_s)
    for node in (dialer, other):
        assert node.node.reachability.asked_total == 0
        assert verdict(node) == (Reachability.UNKNOWN, 0, 0)


@contextlib.asynccontextmanager
async def asked(node: RunningNode, host: str) -> AsyncIterator[tuple[RawPeer, DialBack]]:
    """A peer at `host` that `node` asks for a dial-back, and the request."""
    async with session_from(node, host) as peer:
        yield peer, await peer.receive_until(DialBack)


async def answer(peer: RawPeer, question: DialBack, outcome: DialBackOutcome) -> None:
    await peer.send(DialBackResult(nonce=question.nonce, outcome=outcome))


async def heard(peer: RawPeer) -> None:
    """Wait until the node has taken in what `peer` has sent so far."""
    await peer.send(Ping(nonce=7))
    await peer.receive_until(Pong)


async def test_most_netgroups_decide_and_a_tie_is_unknown(nodes):
    node = await nodes.start(lan_mode=True)
    async with contextlib.AsyncExitStack() as stack:
        seen = []
        for number, outcome in enumerate((NOT_REACHED, REACHED, REACHED), 90):
            peer, question = await stack.enter_async_context(asked(node, f"127.{number}.0.1"))
            assert question.port == node.port
            await answer(peer, question, outcome)
            await eventually(lambda number=number: node.node.reachability.answered_total == number - 89)
            seen.append(verdict(node))
    assert seen == [(Reachability.PRIVATE, 0, 1), (Reachability.UNKNOWN, 1, 1), (Reachability.PUBLIC, 2, 1)]


async def test_one_netgroup_has_one_vote(nodes):
    node = await nodes.start(lan_mode=True)
    async with asked(node, "127.90.0.1") as (peer, question), session_from(node, "127.90.0.2") as neighbour:
        await answer(neighbour, question, NOT_REACHED)  # nobody asked it, whatever it overheard
        await heard(neighbour)
        await answer(peer, structs.replace(question, nonce=question.nonce ^ 1), NOT_REACHED)
        await answer(peer, question, REACHED)
        await answer(peer, question, NOT_REACHED)  # it has already answered
        await heard(peer)
    assert verdict(node) == (Reachability.PUBLIC, 1, 0)
    assert node.node.reachability.asked_total == 1


async def test_a_refusal_is_not_a_verdict_and_the_next_request_comes_sooner(nodes, monkeypatch):
    monkeypatch.setattr(self_check, "LOOK_INTERVAL_S", 0.02)
    monkeypatch.setattr(self_check, "ASK_SOON_S", 0.05)
    node = await nodes.start(lan_mode=True)
    async with asked(node, ASKER) as (peer, question):
        await answer(peer, question, REFUSED)
        again = await peer.receive_until(DialBack)
        assert again.nonce != question.nonce
        assert verdict(node) == (Reachability.UNKNOWN, 0, 0)
        await answer(peer, again, REACHED)
        await eventually(lambda: verdict(node) == (Reachability.PUBLIC, 1, 0))
    assert node.node.reachability.refused_total == 1


async def test_it_asks_again_and_the_newest_answer_counts(nodes, monkeypatch):
    monkeypatch.setattr(self_check, "LOOK_INTERVAL_S", 0.02)
    monkeypatch.setattr(self_check, "ASK_AGAIN_S", 0.1)
    node = await nodes.start(lan_mode=True)
    async with asked(node, ASKER) as (peer, question):
        await answer(peer, question, REACHED)
        await eventually(lambda: verdict(node) == (Reachability.PUBLIC, 1, 0))
        await answer(peer, await peer.receive_until(DialBack), NOT_REACHED)
        await eventually(lambda: verdict(node) == (Reachability.PRIVATE, 0, 1))


async def test_the_answer_of_a_peer_outlives_its_session_for_a_while(nodes, monkeypatch):
    node = await nodes.start(lan_mode=True)
    async with asked(node, ASKER) as (peer, question):
        await answer(peer, question, REACHED)
        await eventually(lambda: verdict(node) == (Reachability.PUBLIC, 1, 0))
    await eventually(lambda: not node.node.sessions)
    assert verdict(node) == (Reachability.PUBLIC, 1, 0)
    monkeypatch.setattr(self_check, "ANSWER_VALID_S", 0.0)
    assert verdict(node) == (Reachability.UNKNOWN, 0, 0)


async def test_a_node_that_does_not_know_the_request_stays_a_peer(nodes):
    node = await nodes.start(lan_mode=True)
    async with asked(node, ASKER) as (peer, _):  # and does not answer
        await asyncio.sleep(0.2)
        assert peer.identity.node_id in node.node.sessions
        assert verdict(node) == (Reachability.UNKNOWN, 0, 0)


async def test_only_a_few_are_asked_and_silent_ones_give_up_their_turn(nodes, monkeypatch):
    monkeypatch.setattr(self_check, "LOOK_INTERVAL_S", 0.02)
    monkeypatch.setattr(self_check, "ASKED_MAX", 2)
    node = await nodes.start(lan_mode=True)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(90, 92):
            await stack.enter_async_context(asked(node, f"127.{number}.0.1"))
        late = await stack.enter_async_context(session_from(node, "127.92.0.1"))
        await asyncio.sleep(0.1)
        assert node.node.reachability.asked_total == 2
        monkeypatch.setattr(self_check, "ANSWER_WITHIN_S", 0.0)
        await late.receive_until(DialBack)


async def test_a_request_that_was_lost_with_its_session_is_sent_again(nodes, monkeypatch):
    """As when two nodes dial each other at once: the session that carried the request may be the one that ends."""
    monkeypatch.setattr(self_check, "LOOK_INTERVAL_S", 0.02)
    node = await nodes.start(lan_mode=True)
    identity = Identity.generate()
    async with raw_dial(node.addr, local_host=ASKER, identity=identity, boot_id=b"the old.") as old:
        await old.shake_hands()
        first = await old.receive_until(DialBack)
        async with raw_dial(node.addr, local_host=ASKER, identity=identity, boot_id=b"the new.") as new:
            await new.shake_hands()
            second = await new.receive_until(DialBack)
            assert second.nonce != first.nonce
            await answer(new, first, NOT_REACHED)
            await answer(new, second, REACHED)
            await eventually(lambda: verdict(node) == (Reachability.PUBLIC, 1, 0))


async def test_nonsense_about_where_we_are_seen_is_not_shown(nodes):
    node = await nodes.start(lan_mode=True)
    async with raw_dial(node.addr, local_host=ASKER) as peer:
        await peer.shake_hands()  # its Welcome does not say where it sees us
        await answer(peer, await peer.receive_until(DialBack), REACHED)
        await eventually(lambda: verdict(node) == (Reachability.PUBLIC, 1, 0))
    assert node.node.info().reachability.addr is None


# ---- firewalls and NAT -----------------------------------------------------------------------------------------------

QUICK = {"connect_timeout_s": 1, "handshake_attempt_s": 2, "handshake_window_s": 4}


@contextlib.contextmanager
def node_behind(network: Network, tmp_path, **timing):
    """A node on the client, which has dialed one on the server."""
    common = {"timing": QUICK | timing, "network": "test", "genesis": GENESIS, "target_peers": 0}
    peer = NodeProcess(tmp_path / "peer", where=network.server, p2p_listen=f"{network.server.ipv4}:7072", **common)
    node = NodeProcess(tmp_path / "node", where=network.client, p2p_listen="0.0.0.0:7072", **common)
    with peer, node:
        assert node.connect(peer.addr)["reason"] is None
        yield node, peer


def verdict_of(node: NodeProcess) -> tuple[str, str | None]:
    node.wait_for(lambda status: status["reachability"]["checked_unix"], within_s=10)
    found = node.status()["reachability"]
    assert found["reached_by"] + found["not_reached_by"] == 1
    return found["state"], found["addr"]


@requires_root_netns
@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ([], "public"),
        (["tcp dport 7072 drop"], "private"),
        (["tcp dport 7072 reject with tcp reset"], "private"),
    ],
    ids=["open", "dropped", "rejected"],
)
def test_a_firewall_before_the_published_port_makes_it_private(network, tmp_path, rules, state):
    network.client.firewall("input", *rules)
    with node_behind(network, tmp_path) as (node, peer):
        assert verdict_of(node) == (state, f"{network.client.ipv4}:7072")
        assert verdict_of(peer) == ("public", f"{network.server.ipv4}:7072")
        status = peer.status()
        assert status["failures"] == []
        assert status["totals"]["started"] == 0
        # Silence may be a NAT; only an answer says that the port is wrong.
        mistakes = [claim["mistake"] for claim in status["port_claims"]]
        assert mistakes == (["not_reached"] if "reset" in "".join(rules) else [])


@requires_root_netns
@pytest.mark.parametrize("forwarded", [False, True])
def test_behind_nat_only_a_forwarded_port_is_public(network, tmp_path, forwarded):
    forward = f"iifname server tcp dport 7072 dnat to {network.client.ipv4}" if forwarded else ""
    network.router.nft(f"""
        table ip nat {{
            chain in {{ type nat hook prerouting priority dstnat; {forward}; }}
            chain out {{ type nat hook postrouting priority srcnat; oifname server masquerade; }}
        }}""")
    with node_behind(network, tmp_path) as (node, _):
        assert verdict_of(node) == ("public" if forwarded else "private", "198.19.1.1:7072")


@requires_root_netns
def test_a_firewall_of_the_dialing_node_says_nothing_about_the_asker(network, tmp_path):
    network.server.firewall("output", "tcp dport 7072 drop")
    with node_behind(network, tmp_path, connect_timeout_s=3) as (node, peer):  # the kernel knows after a second
        verdict_of(peer)
        node.wait_for(lambda status: status["reachability"]["refused_total"], within_s=10)
        assert node.status()["reachability"]["state"] == "unknown"
