"""The status of real nodes, over HTTP and as the exit status of `nocarrier doctor`: never healthy without a peer."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from nocarrier.app.node import attend, in_background
from nocarrier.model.taxonomy import Reason
from nocarrier.testing.fault_servers import FAULT_SERVERS
from testbed.nodes import eventually, eventually_recorded, nodes_fixture
from tests.cli.command import nocarrier
from tests.web.api.http_client import get

nodes = nodes_fixture

EXIT_STATUS = {"healthy": 0, "unhealthy": 1, "undetermined": 3}


@asynccontextmanager
async def shown(running):
    """The API of a running node."""
    _, server = attend(running.node, running.tracker, listen="127.0.0.1:0")
    async with in_background(server.run()):
        yield server


async def diagnosis_of(server):
    """The answer of the API; doctor and metric agree with it at once."""
    answer = (await asyncio.to_thread(get, server, "/api/p2p/diagnosis")).json
    doctor = await asyncio.to_thread(nocarrier, "doctor", "--json", "--url", server.url)
    seen = json.loads(doctor.stdout)
    assert doctor.returncode == EXIT_STATUS[seen["status"]]
    assert seen["healthy"] is (seen["status"] == "healthy")
    assert (seen["status_detail"] is not None) is (seen["status"] == "undetermined")
    return answer


async def never_healthy(server, *, looks=3):
    """The status at several moments in a row, none of which may say that all is well."""
    found = [await diagnosis_of(server) for _ in range(looks)]
    assert [each["status"] for each in found if each["status"] == "healthy"] == []
    assert not any(each["healthy"] for each in found)
    return found[-1]


async def test_a_node_without_seeds(nodes):
    running = await nodes.start(target_peers=8)
    async with shown(running) as server:
        found = await never_healthy(server)
    assert found["status"] == "undetermined"
    assert found["status_detail"].startswith("No peer is connected, and no dial has begun, ")


async def test_a_node_that_has_just_started_and_whose_dials_are_in_flight(nodes):
    async with FAULT_SERVERS["silent"]("127.68.1.1") as port:
        addr = f"127.68.1.1:{port}"
        running = await nodes.start(target_peers=8, seeds=(addr,))
        async with shown(running) as server:
            await eventually(lambda: running.node.outbound.in_flight == 1)
            await running.node.connect(addr)  # already_dialing: must not look connected
            await eventually_recorded(running, Reason.ALREADY_DIALING)
            answer = await asyncio.to_thread(get, server, "/api/p2p/diagnosis")
    assert answer.json["status"] == "undetermined"
    assert answer.json["findings"] == []
    assert answer.json["status_detail"].startswith("No dial has ended yet, ")


async def test_a_node_whose_own_bans_keep_it_from_every_seed(nodes):
    seeds = ("127.68.2.1:7072", "127.68.2.2:7072")
    running = await nodes.start(target_peers=8, seeds=seeds, bans=("127.68.2.0/24",))
    async with shown(running) as server:
        await eventually_recorded(running, Reason.BANNED_LOCAL)
        await never_healthy(server)
        [found] = (await diagnosis_of(server))["findings"]
    assert (found["code"], found["severity"], found["affected_peers"]) == ("own_rules", "critical", 2)
    assert "Remove 127.68.2.0/24 from bans" in found["next_actions"][0]["text"]


async def test_a_node_whose_seed_leads_to_itself(nodes):
    own_host = "127.68.3.1"

    async def resolve(_: str) -> list[str]:
        return [own_host]

    with socket.socket() as probe:
        probe.bind((own_host, 0))
        port = probe.getsockname()[1]
    seeds = (f"me.example:{port}",)
    running = await nodes.start(host=own_host, port=port, target_peers=8, seeds=seeds, resolve=resolve)
    async with shown(running) as server:
        await eventually_recorded(running, Reason.SELF_DIAL_BLOCKED)
        await never_healthy(server)
        [found] = (await diagnosis_of(server))["findings"]
    assert (found["code"], found["severity"]) == ("seeds_misconfigured", "warning")
    assert f"me.example:{port} leads to this node itself" in found["next_actions"][0]["text"]


@pytest.mark.parametrize(("kind", "port"), [("bitcoin", 18444), ("close", 18333), ("reset", 30303)])
async def test_a_node_whose_seeds_are_peers_of_another_network(nodes, kind, port):
    own = os.getpid() % 250 + 1  # another run of this test may hold the port
    hosts = [f"127.{network}.{own}.1" for network in (81, 82, 83)]
    async with AsyncExitStack() as stack:
        for host in hosts:
            await stack.enter_async_context(FAULT_SERVERS[kind](host, port))
        running = await nodes.start(target_peers=8, seeds=tuple(f"{host}:{port}" for host in hosts))
        async with shown(running) as server:
            await eventually(lambda: len({entry.addr for entry in running.tracker.recent()}) == len(hosts))
            found = await never_healthy(server)
    assert [(each["code"], each["severity"]) for each in found["findings"]] == [("foreign_network", "critical")]


async def test_a_peer_known_by_name_and_by_address_counts_once(nodes):
    async def resolve(_: str) -> list[str]:
        return [listener.host]

    listener, dialer = await nodes.start(), await nodes.start(resolve=resolve)
    addresses = (f"seed.example:{listener.port}", listener.addr)
    for addr in (*addresses, *addresses):
        await dialer.node.connect(addr)
    assert {entry.addr for entry in dialer.recorded(reason=Reason.ALREADY_CONNECTED)} == set(addresses)
    async with shown(dialer) as server:
        [found] = (await diagnosis_of(server))["findings"]
    assert found["summary"] == "Dials reached only 1 peer that is already connected."


async def test_it_is_healthy_only_while_a_peer_is_connected(nodes):
    peer, running = await nodes.start(), await nodes.start(target_peers=1)
    async with shown(running) as server:
        assert (await diagnosis_of(server))["status"] == "undetermined"
        await running.node.connect(peer.addr)
        await eventually_status(server, "healthy")
        scraped = await asyncio.to_thread(get, server, "/metrics")
        health = [line for line in scraped.body.decode().splitlines() if line.startswith("nocarrier_health{")]
        assert sorted(health) == [
            'nocarrier_health{status="healthy"} 1.0',
            'nocarrier_health{status="undetermined"} 0.0',
            'nocarrier_health{status="unhealthy"} 0.0',
        ]
        await peer.stop()
        await eventually(lambda: not running.node.sessions)
        await eventually_status(server, "undetermined", "unhealthy")
        await never_healthy(server)


async def eventually_status(server, *wanted):
    """Wait for a status: an examination is at most a second old."""
    for _ in range(100):
        found = await diagnosis_of(server)
        if found["status"] in wanted:
            return found
    return pytest.fail(f"never {wanted}, but {found}")
