"""Findings and probes, shown to others: no address, host name or identity, and still of use."""

from __future__ import annotations

import json

import pytest

from nocarrier.model.finding import Diagnosis, EvidenceItem, Finding, HealthStatus, Severity
from nocarrier.model.probe import (
    Answer,
    Gateway,
    Hop,
    Lookup,
    ProbeFacts,
    ProbeResult,
    ResolverCheck,
    Route,
    Statement,
    Target,
    Trace,
    WayOut,
)
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.web.views import redact

NODE_ID = "cd" * 32


def finding(**other):
    fields = {
        "code": "peer_down",
        "title": "That peer is off or not listening",
        "severity": Severity.INFO,
        "blame": Blame.THEM,
        "summary": "",
        "confidence": 0.7,
        "evidence": (),
        "affected_peers": 1,
        "affected_dials": 1,
        "next_actions": (),
        "since_unix": 1.0,
        "hides": ("seeds_down", "offline"),
    }
    return Finding(**fields | other)


def redacted(*findings, known=()):
    return redact(Diagnosis(at_unix=1.0, status=HealthStatus.UNHEALTHY, findings=findings), known)["findings"]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("the resolver has no answer for nas", "nas"),
        ("see what it says: getent ahosts NAS", "NAS"),
        ("curl http://nas/healthz", "nas"),
        ("ip route get 192.0.2.7", "192.0.2.7"),
        ("peers in 192.0.0.0/16 cannot be reached", "192.0.0.0"),
        ("peers in 2001:db8::/32 cannot be reached", "2001:db8"),
        ("[2001:db8::7]:7072, 2001:db8::8", "2001:db8"),
        ("told by printer.lan:7072", "printer"),
        ("told by printer:7072", "printer"),
        ("for node id " + NODE_ID, NODE_ID),
        ("ticket eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjZGNkY2RjZGNkY2RjZGNkIn0.c2lnbmF0dXJlc2lnbmF0dXJl", "eyJ"),
        ("from ::ffff:192.0.2.7 by fe80::1%eth0", "192.0.2.7"),
        ("(on 192.0.2.7:80 http answers)", "192.0.2.7"),
        ("it says: 'nas' and \"nas\", nas.", "nas"),
    ],
)
def test_no_text_of_a_finding_tells_who_a_peer_is(text, secret):
    item = EvidenceItem(statement=text, count=1, addrs=("nas:7072",))
    shown = json.dumps(redacted(finding(summary=text, evidence=(item,), next_actions=(text,))))
    assert secret not in shown


def test_sample_addresses_are_masked_like_the_same_ones_in_sentences():
    addrs = ("192.0.2.7:7072", "[2001:db8::7]:7072", "nas:7072", "192.0.2.8")
    item = EvidenceItem(statement="192.0.2.7:7072 and nas:7072", count=4, addrs=addrs)
    [shown] = redacted(finding(evidence=(item,)))
    [item] = shown["evidence"]
    assert item["statement"] == f"{item['addrs'][0]} and {item['addrs'][2]}"
    assert len(set(item["addrs"])) == 4
    assert item["addrs"][0].endswith(":7072")


def test_a_malformed_address_among_the_samples_is_masked_as_a_whole():
    [shown] = redacted(
        finding(evidence=(EvidenceItem(statement="", count=1, addrs=("my kitchen computer", "nas:99999")),))
    )
    assert "kitchen" not in json.dumps(shown)
    assert "nas" not in json.dumps(shown)


def test_a_name_that_stands_without_its_address_is_masked_where_it_is_known():
    text = "1 name could not be looked up (nas)"
    assert "nas" in redacted(finding(summary=text))[0]["summary"]  # nobody can know that it is one
    assert "nas" not in redacted(finding(summary=text), known=["nas:7072"])[0]["summary"]
    assert "nas" not in redacted(finding(summary=text), known=["NAS"])[0]["summary"]


@pytest.mark.parametrize("host", ["offline", "peer_down", "info", "them", "listening", "critical", "unexplained"])
def test_a_host_named_like_a_word_of_ours_garbles_no_word_of_ours(host):
    item = EvidenceItem(statement=f"{host} is silent", count=1, addrs=(f"{host}:7072",))
    [shown] = redacted(finding(evidence=(item,)))
    plain = finding()
    assert (shown["code"], shown["title"], shown["severity"], shown["blame"], tuple(shown["hides"])) == (
        plain.code, plain.title, plain.severity, plain.blame, plain.hides,
    )  # fmt: skip
    assert host not in json.dumps(shown["evidence"])


def test_what_a_probe_saw_is_masked_wherever_it_stands():
    result = ProbeResult(
        code="peer_down",
        probed_unix=1.0,
        age_s=0.0,
        duration_s=1.0,
        statements=(Statement(text="nas: our gateway 10.0.0.1 is silent", addr="nas:7072", suggests="offline"),),
        facts=ProbeFacts(
            way_out=WayOut(
                default_ipv4=True,
                default_ipv6=False,
                gateways=(Gateway(addr="10.0.0.1", answers=True),),
                reject_routes=("198.51.100.0/24",),
                interfaces_up=("eth0",),
            ),
            resolver=ResolverCheck(
                nameservers=("10.0.0.53",),
                lookups=(Lookup(name="nas", addrs=("10.0.0.7",), reason=None, duration_s=0.1),),
            ),
            targets=(
                Target(
                    addr="nas:7072",
                    ip="10.0.0.7",
                    blocked=Reason.PRIVATE_IP_BLOCKED,
                    blocked_detail="10.0.0.7 is private",
                    route=Route(network="10.0.0.0/8", gateway="10.0.0.1", rejects=False),
                    trace=Trace(hops=(Hop(ttl=1, answer=Answer.EXPIRED, addr="10.0.0.1", rtt_s=0.1),)),
                ),
            ),
        ),
    )
    shown = redact(result)
    assert [secret for secret in ("nas", "10.0.0", "198.51.100") if secret in json.dumps(shown)] == []
    [target] = shown["facts"]["targets"]
    assert (target["blocked"], shown["statements"][0]["suggests"]) == ("private_ip_blocked", "offline")
    assert target["trace"]["hops"][0]["answer"] == "expired"
    # The same router has the same mask as hop, as gateway and in the sentence.
    assert target["trace"]["hops"][0]["addr"] == target["route"]["gateway"]
    assert target["route"]["gateway"] in shown["statements"][0]["text"]


def test_the_name_of_a_network_stays_and_a_network_of_addresses_does_not():
    assert redact({"network": "main"}) == {"network": "main"}
    assert "10.0" not in redact({"network": "10.0.0.0/8"})["network"]
    assert "2001" not in redact({"network": "2001:db8::/32"})["network"]
