"""A complete node: its state on disk, what stops its start, bans, slots, and what it shows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import stat
import time
from pathlib import Path

import msgspec
import pytest

from nocarrier.errors import ConfigError, StateFileError
from nocarrier.model.address import Address
from nocarrier.model.node.counters import DIAL_BACKS, REFUSALS, Refusal
from nocarrier.model.node.state import DialOutcome, Direction
from nocarrier.model.taxonomy import Reason, Source
from nocarrier.outputs.metrics import exposition
from nocarrier.sources.node import state_files
from nocarrier.sources.node.book import book_keeper
from nocarrier.sources.node.wire.frames import frame
from nocarrier.sources.node.wire.messages import Auth, Goodbye, Welcome
from testbed.nodes import eventually, nodes_fixture
from testbed.raw_peer import raw_dial

nodes = nodes_fixture


# ---- state on disk ---------------------------------------------------------------------------------------------------


async def test_a_corrupt_peer_book_is_moved_aside_and_the_node_starts(nodes, tmp_path, caplog):
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "peers.json").write_text('{"schema": 1, "entries": [{"addr": 7')
    with caplog.at_level(logging.WARNING, "nocarrier.node"):
        node = await nodes.start(data_dir=folder)
    assert node.node.ready
    assert len(node.node.book) == 0
    [aside] = folder.glob("peers.json.corrupt-*")
    assert aside.read_text() == '{"schema": 1, "entries": [{"addr": 7'
    [warning] = caplog.messages
    assert str(folder / "peers.json") in warning
    assert aside.name in warning


@pytest.mark.parametrize("entry", [{"addr": "300.1.1.1:1"}, {"addr": "192.0.2.1:1", "source": "astrology"}, {}])
async def test_a_peer_book_with_impossible_entries_is_moved_aside(nodes, tmp_path, caplog, entry):
    folder = tmp_path / "node"
    folder.mkdir()
    usual = {"addr": "192.0.2.1:1", "source": "seed", "via": None, "first_seen_unix": 1}
    (folder / "peers.json").write_text(json.dumps({"schema": 1, "entries": [usual | entry] if entry else [entry]}))
    with caplog.at_level(logging.WARNING, "nocarrier.node"):
        await nodes.start(data_dir=folder)
    assert list(folder.glob("peers.json.corrupt-*"))


UNWRITABLE = {
    "a file is in its place": lambda tmp_path: tmp_path / "file",
    "its parent is a file": lambda tmp_path: tmp_path / "file" / "node",
    # Even root cannot create anything there.
    "nothing can be made in it": lambda _: Path("/proc/self/task"),
}


@pytest.mark.parametrize("where", UNWRITABLE)
async def test_an_unwritable_data_dir_is_named(nodes, tmp_path, where):
    (tmp_path / "file").touch()
    data_dir = UNWRITABLE[where](tmp_path)
    with pytest.raises(StateFileError, match=r"data_dir|folder") as refused:
        await nodes.start(data_dir=data_dir)
    assert str(data_dir) in str(refused.value)


async def test_a_second_node_in_the_same_folder_is_refused(nodes):
    node = await nodes.start()
    with pytest.raises(StateFileError, match="another node uses the folder") as refused:
        await nodes.start(data_dir=node.data_dir)
    assert str(node.data_dir) in str(refused.value)


async def test_a_busy_port_names_the_setting_and_what_to_do(nodes):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            await nodes.start(host="127.0.0.1", port=port)
    text = str(refused.value)
    assert text.startswith(f"p2p_listen = 127.0.0.1:{port}")
    assert "another program listens there; stop it or choose another port" in text


async def test_an_address_of_another_machine_cannot_be_listened_on(nodes):
    with pytest.raises(ConfigError, match="this machine has no such address"):
        await nodes.start(host="203.0.113.9")


async def test_a_failed_start_releases_the_folder(nodes, tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(ConfigError):
            await nodes.start(host="127.0.0.1", port=busy.getsockname()[1], data_dir=tmp_path / "node")
    assert (await nodes.start(data_dir=tmp_path / "node")).node.ready


async def test_identity_book_and_bans_survive_a_restart(nodes):
    dialer, listener = await nodes.pair()
    dialer.node.ban("192.0.2.0/24", reason="test")
    await dialer.stop()
    again = await nodes.start(data_dir=dialer.data_dir)
    assert again.node_id == dialer.node_id
    entry = again.node.book.get(listener.addr)
    assert (entry.source, entry.node_id, entry.successes_total) == (Source.DIRECT, listener.node_id, 1)
    assert [ban.target for ban in again.node.bans.entries(0)] == ["192.0.2.0/24"]
    key = again.data_dir / "node_key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_a_save_under_way_at_the_stop_does_not_undo_the_last_one(nodes, monkeypatch):
    save, begun = state_files.save, []

    def slow_first_save(path, state):
        if not begun:
            begun.append(path)
            time.sleep(0.3)
        save(path, state)

    monkeypatch.setattr(state_files, "save", slow_first_save)
    monkeypatch.setattr(book_keeper, "SAVE_INTERVAL_S", 0.01)
    node, listener = await nodes.start(seeds=("127.88.0.1:1",)), await nodes.start()
    node.node.book.forget_node_id("127.88.0.1:1")
    await eventually(lambda: begun)
    await node.node.connect(listener.addr)
    await node.stop()
    await asyncio.sleep(0.4)  # anything that still writes is done by then
    again = await nodes.start(data_dir=node.data_dir)
    assert listener.addr in again.node.book


# ---- bans and places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["node_id", "host", "addr"])
async def test_a_ban_ends_the_session_it_applies_to(nodes, target):
    dialer, listener = await nodes.pair()
    dialer.node.ban(getattr(listener, target))
    await eventually(lambda: not dialer.node.sessions and not listener.node.sessions)


async def test_a_banned_session_is_told(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr) as peer:
        await peer.shake_hands()
        await eventually(lambda: node.node.sessions)
        node.node.ban(peer.identity.node_id)
        assert (await peer.receive_until(Goodbye)).code == "banned"


async def test_simultaneous_handshakes_cannot_exceed_the_slots(nodes):
    node = await nodes.start(max_peers=2)
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(raw_dial(node.addr)) for _ in range(6)]
        for peer in peers:
            await peer.introduce()
            await peer.send(peer.auth())
            assert isinstance(await peer.receive(), Auth)
            assert isinstance(await peer.receive(), Welcome)
        # All were admitted while there were free slots; now all of them come in.
        for peer in peers:
            await peer.send(Welcome())
        for peer in peers[2:]:
            assert (await peer.receive_until(Goodbye)).code == "too_many_peers"
        assert len(node.node.sessions) == 2


# ---- what it shows ---------------------------------------------------------------------------------------------------


async def test_both_ends_show_the_session(nodes):
    dialer, listener = await nodes.pair()
    [seen] = dialer.node.connected_peers()
    assert (seen.addr, seen.node_id, seen.direction, seen.source) == (
        listener.addr,
        listener.node_id,
        Direction.OUTBOUND,
        Source.DIRECT,
    )
    assert (seen.user_agent, seen.protocol_version, seen.p2p_port) == ("nocarrier/test", 2, listener.port)
    [seen] = listener.node.connected_peers()
    assert (seen.addr, seen.node_id, seen.direction) == (dialer.addr, dialer.node_id, Direction.INBOUND)


async def test_the_book_shows_state_source_and_standing(nodes):
    dialer, listener = await nodes.pair()
    [peer] = dialer.node.book_peers()
    assert (peer.addr, peer.state, peer.connected, peer.node_id) == (listener.addr, "hot", True, listener.node_id)
    assert (peer.source, peer.streak, peer.last_reason) == (Source.DIRECT, 0, None)
    counts = dialer.node.book_counts()
    assert (counts.hot, counts.warm, counts.cold, counts.total) == (1, 0, 0, 1)


async def test_what_a_node_shows_can_still_be_read_once_it_has_stopped(nodes):
    node = await nodes.start()
    await node.stop()
    assert node.node.info().p2p_port == node.port
    assert not node.node.ready
    assert node.node.connected_peers() == []


async def test_the_revision_changes_with_a_session(nodes):
    listener, dialer = await nodes.start(), await nodes.start()
    before = dialer.node.revision
    await dialer.node.connect(listener.addr)
    await eventually(lambda: dialer.node.revision != before)


async def test_our_address_is_believed_when_peers_of_two_networks_agree(nodes):
    node = await nodes.start(host="127.50.0.1")
    peers = [await nodes.start(host=host) for host in ("127.51.0.1", "127.52.0.1")]
    await node.node.connect(peers[0].addr)
    assert node.node.local.advertised is None
    await node.node.connect(peers[1].addr)
    assert await eventually(lambda: node.node.local.advertised) == node.addr


async def test_a_manual_dial_goes_on_when_its_caller_is_cancelled(nodes):
    dialer, listener = await nodes.start(), await nodes.start()
    call = asyncio.create_task(dialer.node.connect(listener.addr))
    await asyncio.sleep(0)
    call.cancel()
    await eventually(lambda: dialer.is_connected_with(listener))
    assert dialer.tracker.totals().succeeded == 1


async def test_a_connect_returns_its_outcome(nodes):
    dialer, listener = await nodes.start(), await nodes.start()
    result = await dialer.node.connect(listener.addr)
    assert (result.outcome, result.node_id, result.reason) == (DialOutcome.CONNECTED, listener.node_id, None)
    assert result.duration_s > 0
    again = await dialer.node.connect(listener.addr)
    assert (again.outcome, again.reason, again.duration_s) == (DialOutcome.SKIPPED, Reason.ALREADY_CONNECTED, None)


async def test_a_book_that_could_not_be_saved_is_saved_once_it_can_be(nodes, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(book_keeper, "SAVE_INTERVAL_S", 0.01)
    running = await nodes.start(data_dir=tmp_path)
    in_the_way = tmp_path / "peers.json"
    in_the_way.mkdir()
    running.node.book.add(Address("127.9.9.9", 7072), Source.DIRECT, None, 0.0)
    await eventually(lambda: "peer book could not be saved" in caplog.text)
    in_the_way.rmdir()
    await eventually(lambda: in_the_way.is_file() and "127.9.9.9:7072" in in_the_way.read_text())
    assert caplog.text.count("peer book could not be saved") == 1


async def test_a_node_shows_every_counter_of_the_tables(nodes):
    dialer, listener = await nodes.pair()
    for node in (dialer, listener):
        info = node.node.info()
        assert (set(info.refusals), set(info.dial_backs)) == (set(REFUSALS), set(DIAL_BACKS))


async def test_messages_of_a_later_version_and_open_handshakes_are_counted_where_people_look(nodes):
    node = await nodes.start()
    async with raw_dial(node.addr) as peer:
        await eventually(lambda: node.node.state().inbound_handshakes == 1)
        await peer.shake_hands()
        await peer.send_bytes(frame(msgspec.msgpack.encode({"type": "later"})) * 3)
        await eventually(lambda: node.node.info().refusals[Refusal.UNKNOWN_MESSAGE] == 3)
        assert node.node.state().inbound_handshakes == 0
        text = exposition(node.tracker, node.node)[0].decode()
    assert 'nocarrier_node_refusals_total{what="unknown_message"} 3.0' in text
    assert 'nocarrier_dial_backs_total{what="received"} 0.0' in text
    assert "nocarrier_inbound_handshakes 0.0" in text
