"""`nocarrier diff`, for two real nodes that differ in one thing, and for other servers that answer HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from nocarrier import DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.app.node import attend, in_background
from nocarrier.sources.node.access import tickets
from nocarrier.testing.fault_servers import FAULT_SERVERS
from nocarrier.web.api.server import Server
from testbed.nodes import eventually, nodes_fixture
from testbed.programs import requires
from tests.cli.command import nocarrier
from tests.client import samples

nodes = nodes_fixture


@asynccontextmanager
async def api_of(peer, **options):
    """The URL of the API of a node that runs in this loop."""
    _, server = attend(peer.node, peer.tracker, listen="127.0.0.1:0", **options)
    async with in_background(server.run()):
        yield server.url


async def diff(a, b, *arguments):
    """What the command says about two nodes of this loop: exit status and JSON."""
    async with api_of(a) as url, api_of(b) as other_url:
        done = await asyncio.to_thread(nocarrier, "diff", url, other_url, "--json", *arguments)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def apart(comparison):
    return [difference["field"] for difference in comparison["differences"] if difference["keeps_apart"]]


async def test_two_that_are_connected(nodes):
    dialer, listener = await nodes.pair()
    status, said = await diff(dialer, listener)
    assert (status, said["outcome"]) == (0, "connected")
    assert said["verdict"] == "They are connected; A dialed the other."
    assert (await diff(listener, dialer))[1]["verdict"] == "They are connected; B dialed the other."


async def test_two_that_never_heard_of_each_other(nodes):
    a, b = await nodes.start(advertise="127.9.9.9:7072"), await nodes.start()
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (0, "possible")
    assert "A has not dialed B: it knows no address of B" in said["verdict"]
    assert (
        "B has not dialed A: it knows no address of A; dial one with nocarrier connect 127.9.9.9:7072"
        in said["verdict"]
    )


async def test_people_read_the_verdict_first_and_then_its_evidence(nodes):
    a, b = await nodes.start(), await nodes.start(genesis="cd" * 32, ipv4_only=False, advertise="127.9.9.9:7072")
    async with api_of(a) as url, api_of(b) as other_url:
        shown = await asyncio.to_thread(nocarrier, "diff", url, other_url, COLUMNS="80")
    assert (shown.returncode, shown.stderr) == (1, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "They cannot talk: A has genesis abababababab…, B has cdcdcdcdcdcd…."
    assert lines[2].startswith(f"A: {url}: node {a.node_id[:12]}…")
    assert "  - genesis: A has genesis abababababab…, B has cdcdcdcdcdcd…" in lines
    assert "  - ipv4_only: A true, B false" in lines
    assert max(map(len, lines)) <= 80


async def test_one_that_wants_no_peers_says_so(nodes):
    listener = await nodes.start()
    dialer = await nodes.start(seeds=(listener.addr,), target_peers=0)
    status, said = await diff(dialer, listener)
    assert (status, said["outcome"]) == (0, "possible")
    assert "it has as many peers as it wants (0, target_peers is 0)" in said["a_to_b"]["not_dialed_because"]


@pytest.mark.parametrize(
    ("field", "options", "says"),
    [
        ("genesis", {"genesis": "cd" * 32}, "A has genesis abababababab…, B has cdcdcdcdcdcd…"),
        ("network", {"network": "other"}, 'A is in the network "test", B in "other"'),
        (
            "protocol_version",
            {"protocol_version": 9, "min_protocol_version": 8},
            "A speaks protocol versions 1 to 2, B speaks 8 to 9",
        ),
    ],
)
async def test_settings_that_keep_two_apart(nodes, field, options, says):
    a, b = await nodes.start(), await nodes.start(**options)
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"], apart(said)) == (1, "impossible", [field])
    assert said["verdict"] == f"They cannot talk: {says}."


async def test_protocol_ranges_that_overlap_only_differ(nodes):
    a, b = await nodes.start(), await nodes.start(protocol_version=3, min_protocol_version=2)
    status, said = await diff(a, b)
    assert (status, apart(said)) == (0, [])
    assert ("protocol_version", "A 1 to 2, B 2 to 3") in [
        (difference["field"], difference["statement"]) for difference in said["differences"]
    ]


async def test_one_key_on_two_machines(nodes, tmp_path):
    a = await nodes.start()
    (tmp_path / "copy").mkdir()
    shutil.copy(a.data_dir / "node_key.pem", tmp_path / "copy")
    b = await nodes.start(data_dir=tmp_path / "copy")
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"], apart(said)) == (1, "impossible", ["node_id"])
    assert "copy of the other's node_key.pem" in said["verdict"]


async def test_one_node_asked_twice(nodes):
    a = await nodes.start()
    async with api_of(a) as url:
        done = await asyncio.to_thread(nocarrier, "diff", url, url.replace("127.0.0.1", "localhost"))
    assert done.returncode == 1
    assert done.stdout.startswith("They cannot talk: both URLs lead to the same node.")


@requires("faketime")
async def test_clocks_that_are_too_far_apart(nodes, tmp_path):
    a = await nodes.start()
    command = ["faketime", "-f", "+10m", sys.executable, "-m", "nocarrier", "run"]
    flags = {"data-dir": tmp_path / "b", "p2p-listen": "127.77.1.1:0", "network": "test", "genesis": "ab" * 32}
    command += [argument for flag, value in flags.items() for argument in (f"--node-{flag}", str(value))]
    command += ["--http-listen", "127.0.0.1:0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes, start_new_session=True) as b:
        try:
            lines = iter(b.stdout.readline, "")
            other_url = next(found[1] for line in lines if (found := re.search(r"(http://127\.0\.0\.1:\d+)/", line)))
            async with api_of(a) as url:
                done = await asyncio.to_thread(nocarrier, "diff", url, other_url)
        finally:
            os.killpg(b.pid, signal.SIGTERM)  # faketime runs the node as its child
            b.stdout.read()
            b.wait(20)
    assert done.returncode == 1
    found = re.match(r"They cannot talk: the clock of B is (\d+) s ahead", done.stdout)
    assert found is not None
    assert 597 <= int(found[1]) <= 603


async def test_two_clocks_of_one_machine_are_not_reported_as_different(nodes):
    _, said = await diff(await nodes.start(), await nodes.start())
    assert "clock" not in [difference["field"] for difference in said["differences"]]


async def test_a_ban_keeps_two_apart_in_both_directions(nodes):
    a = await nodes.start()
    b = await nodes.start(bans=(a.host,))
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "impossible")
    assert f"A dialed B at {b.addr}" in said["verdict"]
    assert "banned" in said["verdict"]
    assert "B has turned 1 connection away for this reason" in said["verdict"]


async def test_our_own_ban_is_read_from_our_record(nodes):
    b = await nodes.start()
    a = await nodes.start(bans=(b.host,))
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "impossible")
    assert f"A does not dial {b.addr}: banned_local" in said["verdict"]


async def test_a_ticket_that_is_missing(nodes, tmp_path):
    key = tickets.admission_key_of(tickets.create_issuer_key(tmp_path / "issuer.pem"))
    a, b = await nodes.start(), await nodes.start(admission_key=key)
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "impossible")
    assert "ticket_invalid" in said["verdict"]


async def test_a_node_without_a_free_slot(nodes):
    a, b, third = await nodes.start(), await nodes.start(max_peers=1), await nodes.start()
    await third.node.connect(b.addr)
    await eventually(lambda: b.is_connected_with(third))
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "failing")
    assert "B is full: all its 1 places are taken" in said["verdict"]


async def test_a_policy_that_forbids_the_others_address(nodes):
    a, b = await nodes.start(allow_networks=()), await nodes.start()
    await a.node.connect(b.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "failing")
    assert f"A does not dial {b.addr}: loopback_blocked" in said["verdict"]
    assert "B has not dialed A: it knows no address of A" in said["verdict"]


async def test_policies_that_forbid_both_ways(nodes):
    a, b = await nodes.start(allow_networks=()), await nodes.start(allow_networks=())
    await a.node.connect(b.addr)
    await b.node.connect(a.addr)
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "impossible")
    assert said["verdict"].count("loopback_blocked") == 2


async def test_a_policy_without_a_recorded_skip_is_only_suspected(nodes):
    a, b = await nodes.start(allow_networks=()), await nodes.start(advertise="192.168.3.4:7072")
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (0, "possible")
    assert said["verdict"].startswith("Nothing is known to prevent a connection, but")
    [obstacle] = said["a_to_b"]["obstacles"]
    assert not obstacle["proven"]
    assert "192.168.3.4:7072" in obstacle["statement"]
    assert "allow_networks" in obstacle["statement"]


async def test_an_ipv6_peer_of_a_node_that_dials_ipv4_only(nodes):
    a = await nodes.start()
    b = await nodes.start(
        p2p_listen="[::1]:0", ipv4_only=False, allow_networks=("::1/128", "127.0.0.0/8"), advertise="[2001:db8::7]:7072"
    )
    status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "failing")
    assert "A has ipv4_only on, and only IPv6 addresses of B are known" in said["verdict"]


async def test_a_published_port_on_which_the_other_one_fails(nodes):
    async with FAULT_SERVERS["closed_port"]("127.55.1.1") as wrong:
        a = await nodes.start(host="127.55.1.1", advertise=f"127.55.1.1:{wrong}")
        b = await nodes.start()
        await b.node.connect(f"127.55.1.1:{wrong}")
        status, said = await diff(a, b)
    assert (status, said["outcome"]) == (1, "failing")
    assert f"B dialed A at 127.55.1.1:{wrong}" in said["verdict"]
    assert "connection_refused" in said["verdict"]
    assert f"A listens on port {a.port}" in said["verdict"]


async def test_the_http_port_published_for_the_p2p_port(nodes):
    a, b = await nodes.start(advertise="127.0.0.1:1"), await nodes.start()
    async with api_of(a) as url, api_of(b) as other_url:
        port = int(url.rpartition(":")[2])
        await b.node.connect(f"127.0.0.1:{port}")
        done = await asyncio.to_thread(nocarrier, "diff", url, other_url)
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert f"B dialed A at 127.0.0.1:{port}" in said
    assert f"that is the HTTP port of A; its P2P port is {a.port}" in said


async def test_a_failure_that_a_later_success_or_a_restart_has_overtaken_is_no_obstacle(nodes):
    a, b = await nodes.start(), await nodes.start()
    await b.stop()
    await a.node.connect(b.addr)
    again = await nodes.start(host=b.host, port=b.port, data_dir=b.data_dir)
    _, said = await diff(a, again)
    [obstacle] = said["a_to_b"]["obstacles"]
    assert not obstacle["proven"]
    assert "B has restarted since" in obstacle["statement"]
    await a.node.connect(b.addr)
    assert (await diff(a, again))[1]["a_to_b"]["obstacles"] == []


# ---- whoever answers -----------------------------------------------------------------------------------------------


@pytest.fixture
def gone():
    """A URL where nobody answers."""
    with api_server(DialTracker(), listen="127.0.0.1:0") as running:
        return running.url


@contextlib.contextmanager
def answering(documents):
    """A server that answers these paths with these documents, and all others with 404."""

    async def answer(request):
        document = documents.get(request.url.path)
        return JSONResponse(document if document is not None else {"detail": "none"}, 200 if document else 404)

    with Server(Starlette(routes=[Route("/{path:path}", answer)]), "127.0.0.1:0") as server:
        yield server.url


async def test_each_side_may_have_its_own_token(nodes):
    a, b = await nodes.start(), await nodes.start()
    async with api_of(a, token="opensesame") as url, api_of(b, token="other") as other_url:

        async def exit_status(*arguments, **environ):
            return (await asyncio.to_thread(nocarrier, "diff", url, other_url, *arguments, **environ)).returncode

        assert await exit_status() == 2
        assert await exit_status("--token", "opensesame") == 2
        assert await exit_status("--token", "opensesame", "--other-token", "other") == 0
        assert await exit_status("--other-token", "other", NOCARRIER_TOKEN="opensesame") == 0
        assert (await asyncio.to_thread(nocarrier, "diff", url, url, "--token", "opensesame")).returncode == 1


async def test_one_that_does_not_answer(nodes, gone):
    a = await nodes.start()
    async with api_of(a) as url:
        for urls in ((url, gone), (gone, url)):
            done = await asyncio.to_thread(nocarrier, "diff", *urls)
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
            assert gone in done.stderr


def test_a_program_without_a_nocarrier_node_cannot_be_compared():
    with api_server(DialTracker(), listen="127.0.0.1:0") as embedded:
        done = nocarrier("diff", embedded.url, embedded.url)
    assert done.returncode == 2
    assert "that program has no nocarrier node" in done.stderr


NODE = samples.document(samples.node_info())


@pytest.mark.parametrize(
    "document",
    [
        {"hello": "world"},
        {"node": "yes"},
        {"node": {"node_id": 7}},
        {"node": {**NODE, "p2p_port": "7072"}},
        {"node": NODE, "connected_peers": {"a": 1}},
        {"node": NODE, "dial_failures": [{"addr": None, "reason": []}]},
        {"node": {**NODE, "inbound_rejections": {"banned": "often"}}},
    ],
)
def test_foreign_json_is_reported_as_such(document):
    with answering({"/api/p2p/debug": document}) as url:
        done = nocarrier("diff", url, url)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def answers_of(debug, *, failures=(), peers=()):
    """The documents of a node."""
    return {
        "/api/p2p/debug": samples.document(debug),
        "/api/p2p/failures": samples.document(samples.failures(*failures)),
        "/api/p2p/peers": samples.document(samples.peers(*peers)),
    }


def test_a_node_whose_record_cannot_be_read_is_compared_without_it_and_the_output_says_so():
    other = answers_of(samples.debug(node=samples.node_info(node_id="cd" * 32)))
    documents = answers_of(
        samples.debug(node=samples.node_info(), dial_failures=[samples.failure()]), failures=[samples.failure()]
    )
    # An older node: its entries have no blame, and it shows no peer book, findings or history.
    for entries in (documents["/api/p2p/debug"]["dial_failures"], documents["/api/p2p/failures"]["failures"]):
        del entries[0]["blame"]
    del documents["/api/p2p/peers"], documents["/api/p2p/debug"]["findings"], documents["/api/p2p/debug"]["history"]
    with answering(documents) as url, answering(other) as other_url:
        done = nocarrier("diff", url, other_url, "--json")
        shown = nocarrier("diff", url, other_url, COLUMNS="200")
    assert (done.returncode, shown.returncode) == (0, 0)
    said = json.loads(done.stdout)
    assert (said["outcome"], said["verdict"][:40]) == ("possible", "Nothing is known to prevent a connection")
    assert [line for line in said["unread"] if line.startswith(f"A: {url}/api/p2p/")] == said["unread"][:2]
    assert (len(said["unread"]), "blame" in said["unread"][0]) == (3, True)
    assert "could not be read, and was not considered:" in shown.stdout


@pytest.mark.parametrize("field", ["genesis", "max_peers", "node_id"])
def test_there_is_no_verdict_without_the_fields_it_needs(field):
    documents = answers_of(samples.debug(node=samples.node_info()))
    del documents["/api/p2p/debug"]["node"][field]
    documents["/openapi.json"] = {"info": {"version": "0.0.7"}}
    with answering(documents) as url:
        done = nocarrier("diff", url, url)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{url}/api/p2p/debug: that node (nocarrier 0.0.7) speaks another version of the API" in done.stderr
    assert f"missing required field `{field}`" in done.stderr


HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]bold[/red]\u202egnp.exe\u2066\r\nThey are connected"


def test_text_of_a_hostile_node_cannot_steer_the_terminal():
    hostile = samples.node_info(
        node_id=HOSTILE,
        version=HOSTILE,
        network=HOSTILE,
        genesis=HOSTILE,
        advertised_p2p=HOSTILE,
        offline=True,
        offline_because=HOSTILE,
        reachability={"state": "private", "addr": HOSTILE},
    )
    failure = samples.failure(HOSTILE, HOSTILE, detail=HOSTILE)
    documents = answers_of(
        samples.debug(node=hostile, dial_failures=[failure]),
        failures=[failure],
        peers=[samples.book_peer(HOSTILE, node_id="ab" * 32, because=HOSTILE)],
    )
    documents["/api/p2p/failures"]["samples"] = HOSTILE
    other = answers_of(samples.debug(node=samples.node_info(advertised_p2p="192.0.2.1:7072")))
    with answering(documents) as url, answering(other) as other_url:
        done = nocarrier("diff", url, other_url, COLUMNS="80")
    assert done.returncode == 1
    assert not any(character in done.stdout for character in "\x1b\x07\u202e\u2066\r")
    assert "\nThey are connected" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
