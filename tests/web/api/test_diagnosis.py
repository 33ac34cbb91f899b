"""`/api/p2p/diagnosis`: what is wrong, and `/api/p2p/diagnosis/probe`: what the network says about it now."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time

import pytest

from nocarrier import AddressPolicy, DialTracker
from nocarrier.app.embedded import api_server
from nocarrier.app.node import attend, in_background
from nocarrier.model.probe import ProbeResult
from nocarrier.model.taxonomy import Reason
from nocarrier.probing.prober import Prober
from nocarrier.testing.fault_servers import closed_port
from nocarrier.web.api.server import Server
from testbed.nodes import RunningNode, nodes_fixture
from tests.web.api.fake_node import NODE_ID, FakeNode
from tests.web.api.http_client import ask, get, post_json

nodes = nodes_fixture

PATH = "/api/p2p/diagnosis"
PROBE = f"{PATH}/probe"


class WritesDown:
    """A prober that tests nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked = []
        self.go_on = asyncio.Event()
        self.closed = threading.Event()

    async def probe(self, finding, *, http_ports):
        self.asked.append((finding.code, dict(http_ports)))
        await self.go_on.wait()
        return ProbeResult(code=finding.code, probed_unix=1.0, age_s=0.0, duration_s=0.0, statements=())

    async def close(self):
        self.closed.set()


@pytest.fixture
async def closed():
    """An address on which nothing listens."""
    async with closed_port("127.66.1.1") as port:
        yield f"127.66.1.1:{port}"


def down(tracker, addr):
    """Make `addr` refuse, so that a finding is active; returns its code."""
    tracker.record(addr, "connection_refused", "gossip", evidence={"errno": "ECONNREFUSED", "decided_by": "network"})
    return "peer_down"


def eventually_json(server, holds):
    """The answer for which `holds` is true, within a few seconds: an examination is at most a second old."""
    deadline = time.monotonic() + 5
    while not holds(answer := get(server, PATH).json):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


# ---- the findings ---------------------------------------------------------------------------------------------------


def test_without_records_the_status_is_undetermined(embedded, tracker):
    answer = get(embedded, PATH)
    assert answer.status == 200
    assert (answer.json["status"], answer.json["healthy"], answer.json["findings"]) == ("undetermined", False, [])
    assert answer.json["status_detail"] == "No ended dial is on record."
    tracker.record_success("192.0.2.1:7072", "gossip")
    answer = eventually_json(embedded, lambda found: found["healthy"])
    assert (answer["status"], answer["status_detail"]) == ("healthy", None)


def test_findings_of_the_debug_answer_are_the_same_at_the_same_instant(embedded, tracker):
    compared = 0
    for number in range(40):
        down(tracker, f"192.0.2.{number % 20}:7072")
        before = get(embedded, PATH).json
        findings = get(embedded, "/api/p2p/debug").json["findings"]
        if get(embedded, PATH).json["at_unix"] == before["at_unix"]:  # nobody examined in between
            assert findings == before["findings"]
            compared += 1
        time.sleep(0.05)
    assert compared > 10


def test_a_finding_says_everything_that_an_operator_needs(embedded, tracker):
    code = down(tracker, "192.0.2.1:7072")
    answer = get(embedded, PATH).json
    assert answer["healthy"] is False
    [finding] = answer["findings"]
    assert finding["code"] == code
    assert finding["evidence"][0]["addrs"] == ["192.0.2.1:7072"]
    [event] = get(embedded, "/api/p2p/failures").json["failures"]
    evidence = finding["evidence"][0]
    assert [(evidence["run"], seq) for seq in evidence["event_ids"]] == [(event["run"], event["seq"])]
    assert finding["next_actions"]
    assert 0 <= finding["since_unix"] <= answer["at_unix"]


def test_a_finding_is_gone_with_its_evidence(embedded, tracker):
    down(tracker, "192.0.2.1:7072")
    assert get(embedded, PATH).json["findings"]
    tracker.record_success("192.0.2.1:7072", "gossip")
    deadline = time.monotonic() + 5
    while get(embedded, PATH).json["findings"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_machine_is_examined_too(embedded, tracker):
    for number in range(3):
        tracker.record(f"192.0.2.{number}:7072", "fd_exhausted", "gossip", evidence={"decided_by": "local"})
    [finding] = [each for each in get(embedded, PATH).json["findings"] if each["code"] == "local_exhaustion"]
    assert "file descriptors are open now" in str(finding["evidence"])


SECRETS = ("192.0.2", "203.0.113", "nas", "printer", "2001:db8", "seed.example")


def test_a_redacted_diagnosis_reveals_no_identity(embedded, tracker):
    for host in ("nas", "printer", "seed.example", "nas2", "nas3", "nas4", "nas5"):
        tracker.record(f"{host}:7072", "dns_timeout", "gossip", via="192.0.2.77:7072")
    for number in range(8):
        tracker.record(f"[2001:db8::{number + 1}]:7072", "network_unreachable", "gossip", detail="to nas by printer",
                       evidence={"errno": "ENETUNREACH", "decided_by": "local"})  # fmt: skip
    down(tracker, "192.0.2.1:7072")
    plain = get(embedded, PATH).body.decode()
    assert len(get(embedded, PATH).json["findings"]) >= 2
    shared = get(embedded, f"{PATH}?redact=true")
    assert [secret for secret in SECRETS if secret in plain] != []
    assert [secret for secret in SECRETS if secret in shared.body.decode()] == []
    for masked, finding in zip(shared.json["findings"], get(embedded, PATH).json["findings"], strict=True):
        assert [masked[key] for key in ("code", "severity", "blame")] == [
            finding[key] for key in ("code", "severity", "blame")
        ]


@pytest.mark.parametrize("host", ["zq{}", "zq{}.example", "203.0.{}.113", "[2001:db8:{}::113]"])
def test_no_cause_reveals_an_identity_when_redacted(server, embedded, tracker, host):
    """Every reason, for a handful of peers each, with evidence that quotes them."""
    numbers = itertools.count(1)
    for reason in Reason:
        for _ in range(7):  # more than are named as samples
            addr, via = (f"{host.format(next(numbers))}:7072" for _ in range(2))
            evidence = {
                "icmp": {"type": 3, "code": 1, "hop": "203.0.113.113"},
                "speaks": "http",
                "decided_by": "network",
                "ours": {"min": 2, "max": 3},
                "theirs": {"min": 0, "max": 1, "node_id": NODE_ID},
            }
            tracker.record(addr, reason, "gossip", via=via, detail=f"{addr} said no", evidence=evidence)
    secrets = ("zq", "203.0", "2001:db8", NODE_ID)
    for each in (server, embedded):
        plain, shared = get(each, PATH), get(each, f"{PATH}?redact=true")
        assert len(plain.json["findings"]) >= 5
        assert [secret for secret in secrets if secret in plain.body.decode()] != []
        assert [secret for secret in secrets if secret in shared.body.decode()] == []
        debug = get(each, "/api/p2p/debug?redact=true").body.decode()
        assert [secret for secret in secrets if secret in debug] == []


# ---- probing --------------------------------------------------------------------------------------------------------


def test_a_probe_tests_the_addresses_of_the_finding(embedded, tracker, closed):
    code = down(tracker, closed)
    answer = post_json(embedded, PROBE, {"code": code})
    assert answer.status == 200
    assert answer.json["code"] == code
    assert answer.json["age_s"] < 1
    assert answer.json["statements"]
    [target] = answer.json["facts"]["targets"]
    assert (target["addr"], target["redial"]["answer"]) == (closed, "refused")


def test_a_second_probe_within_a_minute_returns_the_kept_result_with_its_age(embedded, tracker, closed):
    code = down(tracker, closed)
    first = post_json(embedded, PROBE, {"code": code}).json
    time.sleep(0.01)  # ages are given in milliseconds
    second = post_json(embedded, PROBE, {"code": code}).json
    assert 0 <= first["age_s"] < 1
    assert first["age_s"] < second["age_s"] < 60
    assert first["probed_unix"] == second["probed_unix"]


def test_a_redacted_probe_reveals_no_identity(embedded, tracker, closed):
    code = down(tracker, closed)
    answer = post_json(embedded, f"{PROBE}?redact=true", {"code": code})
    assert answer.status == 200
    assert "127.66.1.1" not in answer.body.decode()
    assert answer.json["facts"]["targets"][0]["redial"]["answer"] == "refused"


def test_an_inactive_finding_is_not_probed(embedded, tracker, closed):
    code = down(tracker, closed)
    answer = post_json(embedded, PROBE, {"code": "offline\x1b[2J"})
    assert answer.status == 404
    assert r"'offline\x1b[2J'" in answer.problem
    assert code in answer.problem


@pytest.mark.parametrize("body", [{}, {"code": 7}, {"code": ""}, {"code": "x" * 101}, {"code": "x", "more": 1}, []])
def test_a_body_of_another_shape_is_refused(embedded, body):
    assert post_json(embedded, PROBE, body).status == 422


def test_a_probe_is_a_write(embedded, tracker, closed):
    code = down(tracker, closed)
    body = b'{"code": "%s"}' % code.encode()
    assert ask(embedded, "POST", PROBE, body, Content_Type="text/plain").status == 415
    assert post_json(embedded, PROBE, {"code": code}, Origin="http://evil.example").status == 403
    assert get(embedded, PROBE).status == 405


def test_without_its_own_prober_a_node_probes_only_public_addresses(server, tracker, closed):
    code = down(tracker, closed)
    [target] = post_json(server, PROBE, {"code": code}).json["facts"]["targets"]
    assert (target["blocked"], target["redial"]) == ("loopback_blocked", None)


def attended(peer: RunningNode) -> Server:
    """The API as a nocarrier node makes it."""
    return attend(peer.node, peer.tracker, listen="127.0.0.1:0")[1]


def embedded_api(peer: RunningNode) -> Server:
    """The API as made by a program that has a nocarrier node."""
    return api_server(peer.tracker, node=peer.node, listen="127.0.0.1:0")


async def test_a_nocarrier_node_probes_what_its_own_policy_allows(nodes, closed):
    peer = await nodes.start(target_peers=0)
    await peer.node.connect(closed)
    _, server = attend(peer.node, peer.tracker, listen="127.0.0.1:0")
    async with in_background(server.run()):
        [finding] = (await asyncio.to_thread(get, server, PATH)).json["findings"]
        answer = await asyncio.to_thread(post_json, server, PROBE, {"code": finding["code"]})
    [target] = answer.json["facts"]["targets"]
    assert (target["addr"], target["redial"]["answer"]) == (closed, "refused")
    assert peer.tracker.totals().started == 1  # a probe is not a dial


@pytest.mark.parametrize("make_server", [attended, embedded_api])
async def test_the_probes_go_to_unrelated_netgroups_by_the_nodes_setting(nodes, closed, make_server):
    port = closed.rpartition(":")[2]
    addrs = [f"127.1.{host}:{port}" for host in ("1.1", "1.2", "2.1", "3.1")]
    peer = await nodes.start(target_peers=0, netgroup_prefix=24)
    for addr in reversed(addrs):  # the newest is the first in the evidence
        await peer.node.connect(addr)
    server = make_server(peer)
    async with in_background(server.run()):
        [finding] = (await asyncio.to_thread(get, server, PATH)).json["findings"]
        answer = await asyncio.to_thread(post_json, server, PROBE, {"code": finding["code"]})
    probed = [target["addr"] for target in answer.json["facts"]["targets"]]
    assert probed == [addrs[0], addrs[2], addrs[3]]


def test_the_prober_learns_where_hosts_of_the_finding_serve_http(tracker):
    class Node(FakeNode):
        def connected_peers(self):
            [peer] = super().connected_peers()
            peer = type(peer)(**{name: getattr(peer, name) for name in peer.__slots__} | {"http_port": 8080})
            return [peer]

    prober = WritesDown()
    prober.go_on.set()
    code = down(tracker, "198.51.100.1:9999")
    down(tracker, "192.0.2.1:7072")
    with api_server(tracker, node=Node(), prober=prober, listen="127.0.0.1:0") as server:
        assert post_json(server, PROBE, {"code": code}).status == 200
    assert prober.asked == [(code, {"198.51.100.1:9999": 8080})]


def test_closing_the_server_ends_running_probes(tracker, closed):
    prober = WritesDown()
    code = down(tracker, closed)
    server = api_server(tracker, prober=prober, listen="127.0.0.1:0").start()

    def probe():
        with contextlib.suppress(OSError):  # the server goes away
            post_json(server, PROBE, {"code": code})

    asking = threading.Thread(target=probe)
    asking.start()
    deadline = time.monotonic() + 5
    while not prober.asked:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    server.close()
    asking.join(10)
    assert not asking.is_alive()
    assert prober.closed.is_set()


def test_an_embedding_program_may_pass_its_own_policy(closed):
    tracker = DialTracker()
    code = down(tracker, closed)
    prober = Prober(AddressPolicy())
    with api_server(tracker, prober=prober, listen="127.0.0.1:0") as server:
        [target] = post_json(server, PROBE, {"code": code}).json["facts"]["targets"]
    assert target["blocked"] == "loopback_blocked"
