"""Findings and probes when shared: no address, host name or identity, and still useful."""

from __future__ import annotations

import json
import shlex
import tomllib
from dataclasses import replace

import msgspec
import pytest

from nocarrier.model.action import DEFAULT_URL, OTHERS, Action, ProgramKind, filled
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
from nocarrier.model.wording.text import address, host, identity, listed, network, quoted, say, word
from nocarrier.web.views import Reader, diagnosis_view, probe_view, redact
from nocarrier.web.views.findings import finding_view

NODE_ID = "cd" * 32


def finding(**other):
    fields = {
        "code": "peer_down",
        "title": say("Peers are off or not listening"),
        "severity": Severity.INFO,
        "blame": Blame.THEM,
        "summary": say(""),
        "confidence": 0.7,
        "evidence": (),
        "affected_peers": 1,
        "affected_dials": 1,
        "next_actions": (),
        "since_unix": 1.0,
        "hides": ("seeds_down", "offline"),
    }
    return Finding(**fields | other)


NODE = Reader(program=ProgramKind.NODE)
SHARED = Reader(program=ProgramKind.NODE, is_masked=True)


def redacted(*findings):
    """As JSON, to be shared."""
    view = diagnosis_view(Diagnosis(at_unix=1.0, status=HealthStatus.UNHEALTHY, findings=findings), SHARED)
    return json.loads(msgspec.json.encode(redact(view)))["findings"]


def plain(*findings):
    """As JSON, for the operator."""
    view = diagnosis_view(Diagnosis(at_unix=1.0, status=HealthStatus.UNHEALTHY, findings=findings), NODE)
    return json.loads(msgspec.json.encode(view))["findings"]


VALUES = {
    "an address": (address("192.0.2.7:7072"), "192.0.2"),
    "an IPv6 address": (address("[2001:db8::7]:7072"), "2001:db8"),
    "a name in a LAN": (address("nas:7072"), "nas"),
    "a malformed address": (address("my kitchen computer"), "kitchen"),
    "a host": (host("nas"), "nas"),
    "a host in capitals": (host("NAS"), "NAS"),
    "an IP address": (host("192.0.2.7"), "192.0.2"),
    "a network": (network("192.0.0.0/16"), "192.0"),
    "an IPv6 network": (network("2001:db8::/32"), "2001"),
    "a network that is a name": (network("nas"), "nas"),
    "a node id": (identity(NODE_ID), NODE_ID),
    "a short id": (identity("cdcdcd"), "cdcdcd"),
    "a peer's text": (quoted("from ::ffff:192.0.2.7 by fe80::1%eth0, printer:7072, " + NODE_ID), "192.0.2"),
    "a peer's text about a host": (quoted("told by printer.lan:7072"), "printer"),
    "the resolver's text about a known name": (quoted("no answer for nas, 'nas' and NAS."), "nas"),
    "a ticket": (quoted("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjZGNkY2RjZGNkY2RjZGNkIn0.c2lnbmF0dXJlc2lnbmF0dXJl"), "eyJ"),
}
"""A value, and the part of it that must not be visible."""


@pytest.mark.parametrize("case", VALUES)
def test_no_text_of_a_finding_reveals_the_identity_of_a_peer(case):
    value, secret = VALUES[case]
    action = Action(text="Look at {it}.", command="ping {it}", settings="[node]\nseeds = [{it}]")
    found = finding(
        title=say("it is {it}", it=value),
        summary=say("it is {it}.", it=value),
        evidence=(EvidenceItem(statement=say("it is {it}", it=value), count=1, addrs=("nas:7072",)),),
        next_actions=filled([action], {"it": value}),
    )
    [usual], [shown] = plain(found), redacted(found)
    assert secret in json.dumps(usual)
    assert secret.lower() not in json.dumps(shown).lower()
    # The words stay, and the finished sentences contain the masked values.
    assert shown["summary"].startswith("it is ")
    assert f"{shown['title']}." == shown["summary"]
    assert shown["summary_text"]["template"] == usual["summary_text"]["template"]
    for text, words in (
        (shown["summary"], shown["summary_text"]),
        (shown["evidence"][0]["statement"], shown["evidence"][0]["statement_text"]),
        (shown["next_actions"][0]["text"], shown["next_actions"][0]["words"]),
    ):
        assert text == words["template"].format_map({name: each["text"] for name, each in words["values"].items()})


def test_a_masked_command_and_masked_settings_are_well_formed():
    action = Action(text="Do.", command="ping {it}", settings="[node]\nseeds = [{it}]")
    [shown] = redacted(finding(next_actions=filled([action], {"it": address("a b:7072")})))
    [made] = shown["next_actions"]
    assert len(shlex.split(made["command"])) == 2
    assert len(tomllib.loads(made["settings"])["node"]["seeds"]) == 1


def test_words_and_numbers_stay():
    text = say("{count} of {reason} for {time}", count=3, reason=Reason.TIMEOUT, time=word("offline.example"))
    assert redacted(finding(summary=text))[0]["summary"] == "3 of timeout for offline.example"


def test_sample_addresses_are_masked_like_the_same_ones_in_sentences():
    addrs = ("192.0.2.7:7072", "[2001:db8::7]:7072", "nas:7072", "192.0.2.8")
    statement = say("{some} and {host}", some=listed([address(addr) for addr in addrs[:3]]), host=host("nas"))
    [shown] = redacted(finding(evidence=(EvidenceItem(statement=statement, count=4, addrs=addrs),)))
    [item] = shown["evidence"]
    name = item["addrs"][2].partition(":")[0]
    assert item["statement"] == f"{', '.join(item['addrs'][:3])} and {name}"
    assert len(set(item["addrs"])) == 4
    assert item["addrs"][0].endswith(":7072")


def test_a_malformed_address_among_the_samples_is_masked_as_a_whole():
    item = EvidenceItem(statement=say(""), count=1, addrs=("my kitchen computer", "nas:99999"))
    [shown] = redacted(finding(evidence=(item,)))
    assert "kitchen" not in json.dumps(shown)
    assert "nas" not in json.dumps(shown)


@pytest.mark.parametrize("named", ["offline", "peer_down", "info", "them", "listening", "critical", "unexplained"])
def test_a_host_named_like_one_of_our_words_does_not_garble_our_words(named):
    item = EvidenceItem(statement=say("{host} is silent", host=host(named)), count=1, addrs=(f"{named}:7072",))
    [shown] = redacted(finding(evidence=(item,)))
    usual = finding()
    assert (shown["code"], shown["title"], shown["severity"], shown["blame"], tuple(shown["hides"])) == (
        usual.code, str(usual.title), usual.severity, usual.blame, usual.hides,
    )  # fmt: skip
    assert named not in json.dumps(shown["evidence"])


def test_a_view_that_was_not_made_to_be_shared_is_never_shared():
    """Its commands are already quoted, so it could only be masked by searching them."""
    with pytest.raises(TypeError, match="masked"):
        redact(diagnosis_view(Diagnosis(at_unix=1.0, status=HealthStatus.UNHEALTHY, findings=(finding(),)), NODE))


def test_the_requested_url_is_in_commands_and_never_shared():
    found = finding(next_actions=filled([Action(text="Ask.", command="curl {url}/healthz")], {}))
    for url in ("http://nas:7070", "https://192.0.2.7/x", "http://127.0.0.1:8080"):
        [usual], [shown] = (finding_view(found, replace(reader, url=url)).next_actions for reader in (NODE, SHARED))
        assert usual.command == f"curl {url}/healthz"
        assert shown.command == f"curl {DEFAULT_URL}/healthz"


def test_actions_are_those_of_the_kind_of_program():
    actions = [
        Action(text="All."),
        Action(text="Node.", applies_to=(ProgramKind.NODE,)),
        Action(text="Others.", applies_to=OTHERS),
    ]
    found = finding(next_actions=filled(actions, {}))
    for program in ProgramKind:
        texts = [action.text for action in finding_view(found, Reader(program=program)).next_actions]
        assert texts == (["All.", "Node."] if program is ProgramKind.NODE else ["All.", "Others."])


def test_results_of_probes_are_masked_everywhere():
    result = ProbeResult(
        code="peer_down",
        probed_unix=1.0,
        age_s=0.0,
        duration_s=1.0,
        statements=(
            Statement(
                text=say("{host}: our gateway {hop} is silent", host=host("nas"), hop=host("10.0.0.1")),
                addr="nas:7072",
                suggests="offline",
            ),
        ),
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
    shown = redact(probe_view(result, SHARED))
    assert [secret for secret in ("nas", "10.0.0", "198.51.100") if secret in json.dumps(shown)] == []
    [target], [statement] = shown["facts"]["targets"], shown["statements"]
    assert (target["blocked"], statement["suggests"]) == ("private_ip_blocked", "offline")
    assert target["trace"]["hops"][0]["answer"] == "expired"
    # The same router has the same mask as hop, as gateway and in the sentence.
    assert target["trace"]["hops"][0]["addr"] == target["route"]["gateway"]
    assert target["route"]["gateway"] in statement["text"]


def test_the_name_of_a_network_stays_and_a_network_of_addresses_does_not():
    assert redact({"network": "main"}) == {"network": "main"}
    assert "10.0" not in redact({"network": "10.0.0.0/8"})["network"]
    assert "2001" not in redact({"network": "2001:db8::/32"})["network"]
