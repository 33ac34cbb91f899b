"""Our own event loop stands still: no peer is blamed for it, and no session ends because of it.

The peers live in processes of their own, as they go on while we stand still.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from nocarrier.node import session
from support.node_process import NodeProcess
from support.nodes import GENESIS, eventually, nodes_fixture

nodes = nodes_fixture

PEER = {"network": "test", "genesis": GENESIS, "allow_networks": ["127.0.0.0/8"], "target_peers": 0}


@pytest.fixture
def peer(tmp_path):
    with NodeProcess(tmp_path / "peer", p2p_listen="127.0.0.1:0", **PEER) as process:
        yield process


async def test_a_stall_ends_no_session_with_a_peer_that_answers(nodes, peer, monkeypatch):
    monkeypatch.setattr(session, "PING_INTERVAL_S", 0.1)
    monkeypatch.setattr(session, "IDLE_TIMEOUT_S", 0.3)
    node = await nodes.start()
    assert (await node.node.connect(peer.addr)).reason is None
    [live] = node.node.sessions
    await eventually(lambda: live.latency_s)
    for _ in range(3):
        time.sleep(0.6)
        await asyncio.sleep(0.15)
    assert live.end is None
    assert live.node_id in node.node.sessions
