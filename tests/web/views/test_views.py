"""Views: what they contain, and that redaction leaves nobody recognisable."""

from __future__ import annotations

import json
import math
import time
from typing import get_args

import msgspec
import pytest

from nocarrier import DialTracker, Reason, Source
from nocarrier.model.action import ProgramKind
from nocarrier.model.address import Address
from nocarrier.model.event import EndedAttempt
from nocarrier.model.event_filter import EventFilter
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.finding import Diagnosis, HealthStatus
from nocarrier.model.node.state import BookPeer, BookState
from nocarrier.model.taxonomy import Blame, Kind, Phase
from nocarrier.web.api.input.questions import EntryKind
from nocarrier.web.views import Reader, debug_view, failures_view, peers_view, reasons_view, redact

NODE_ID = "cd" * 32
READER = Reader(program=ProgramKind.EMBEDDED)
HEALTHY = Diagnosis(at_unix=0.0, status=HealthStatus.HEALTHY, findings=())


def as_json(view):
    return json.loads(msgspec.json.encode(view))


def masked(text, **other):
    """`text` as a detail, beside the fields in `other`."""
    return redact({"detail": text, **other})["detail"]


# ---- counting -----------------------------------------------------------------------------------------------------


def test_totals_of_the_debug_view_add_up():
    tracker = DialTracker()
    open_dial = tracker.begin("192.0.2.1:7072", "seed")
    tracker.succeed(tracker.begin("192.0.2.2:7072", "seed"))
    tracker.record("192.0.2.3:7072", "timeout", "gossip")
    tracker.record("10.0.0.1:7072", "private_ip_blocked", "gossip")
    totals = debug_view(tracker, None, HEALTHY, READER).dial_totals
    assert (totals.started, totals.succeeded, totals.failed, totals.in_flight, totals.skipped) == (3, 1, 1, 1, 1)
    assert open_dial


def test_the_filter_applies_to_entries_and_not_to_counts():
    tracker = DialTracker()
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    tracker.record("192.0.2.2:7072", "banned", "gossip")
    view = failures_view(tracker, EventFilter(reason=Reason.BANNED), 100)
    assert [failure.reason for failure in view.failures] == [Reason.BANNED]
    assert [sample.reason for sample in view.samples] == [Reason.BANNED]
    assert view.by_reason == {Reason.TIMEOUT: 1, Reason.BANNED: 1}
    assert view.totals_by_source[Source.SEED].failed == 1


def test_samples_of_a_rare_failure_stay_while_another_floods_the_ring():
    tracker = DialTracker(capacity=3)
    tracker.record("192.0.2.1:7072", "genesis_mismatch", "seed")
    for number in range(100):
        tracker.record(f"198.51.100.1:{number + 1}", "timeout", "gossip")
    view = failures_view(tracker, EventFilter(), 100)
    assert len(view.failures) == 3
    assert {(sample.reason, sample.total) for sample in view.samples} == {
        (Reason.GENESIS_MISMATCH, 1), (Reason.TIMEOUT, 100),
    }  # fmt: skip


def test_a_peer_that_must_never_be_dialed_again_is_null_with_a_cause():
    class Node:
        def book_peers(self):
            return [
                BookPeer(
                    addr="192.0.2.1:7072", state=BookState.COLD, connected=False, source=Source.SEED, via=None,
                    node_id=None, first_seen_unix=1.0, last_success_unix=None, last_failure_unix=1.0, streak=1,
                    last_reason=Reason.PEER_ID_MISMATCH, next_attempt_unix=math.inf, because=Reason.PEER_ID_MISMATCH,
                )
            ]  # fmt: skip

    [peer] = as_json(peers_view(DialTracker(), Node()))["peers"]
    assert peer["next_attempt_unix"] is None
    assert peer["because"] == "peer_id_mismatch"


def test_tracked_peers_cool_down():
    now = [1_000_000.0]
    tracker = DialTracker(clock=lambda: now[0])
    tracker.record_success("192.0.2.1:7072", "seed")
    tracker.record("192.0.2.2:7072", "timeout", "gossip")

    def states():
        return {peer.addr: peer.state for peer in peers_view(tracker, None).peers}

    assert states() == {"192.0.2.1:7072": BookState.HOT, "192.0.2.2:7072": BookState.COLD}
    now[0] += 301
    assert states()["192.0.2.1:7072"] is BookState.WARM


def test_the_reasons_view_has_a_row_for_every_reason_and_source():
    view = as_json(reasons_view())
    assert {row["name"] for row in view["reasons"]} == set(Reason)
    assert {row["name"] for row in view["sources"]} == set(Source)


# ---- redaction ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("192.0.2.1:7072 refused", "192.0.2.1"),
        ("('192.0.2.1', 7072)", "192.0.2.1"),
        ("from 192.0.2.1.", "192.0.2.1"),
        ("a192.0.2.1b", "192.0.2.1"),
        ("[2001:db8::7]:7072 refused", "2001:db8::7"),
        ("2001:db8::7: no route", "2001:db8::7"),
        ("fe80::1%eth0 said so", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("cafe:7072: refused", "cafe"),
        ("seed.example resolved to nothing", "seed.example"),
        ("SEED.Example:7072", "SEED"),
        ("ask the seed at пример.рф now", "пример"),
        ("localbox:7072 is silent", "localbox"),
        (f"expected {NODE_ID}", NODE_ID),
        ("key CavYmPynLFPASfH4rNO6e6aVcD77bcnH2kx2hY3ju5M", "CavYmPynLFPASfH4rNO6e6aVcD77bcnH2kx2hY3ju5M"),
        ("http://203.0.113.5:80/x?y=1", "203.0.113.5"),
    ],
)
def test_identities_are_masked_in_free_text(text, secret):
    assert secret.lower() not in masked(text).lower()


@pytest.mark.parametrize("text", ["connection refused", "errno 111 after 0.25 s", "HTTP/1.1 400 answered", "ours 1-2"])
def test_other_text_stays_readable(text):
    assert masked(text) == text


def test_the_same_address_has_the_same_mask_everywhere():
    view = redact(
        {
            "addr": "192.0.2.1:7072",
            "detail": "192.0.2.1 refused",
            "evidence": {"icmp": {"type": 3, "code": 1, "hop": "192.0.2.1"}},
            "by_addr": {"192.0.2.1:7072": 4},
            "via": "192.0.2.2:7072",
        }
    )
    host, port = view["addr"].split(":")
    assert port == "7072"
    assert view["detail"] == f"{host} refused"
    assert view["evidence"]["icmp"] == {"type": 3, "code": 1, "hop": host}
    assert view["by_addr"] == {f"{host}:7072": 4}
    assert view["via"].split(":")[0] != host


def test_a_name_without_a_dot_is_masked_in_text_too_if_an_address_has_it():
    assert "nas" not in masked("nas has IPv6 addresses only", addr="nas:7072").split()[0]


def test_a_malformed_address_is_masked_as_a_whole():
    assert "kitchen" not in redact({"addr": "my kitchen computer"})["addr"]


def test_bytes_of_the_wire_are_masked():
    assert "c0000201" not in redact({"evidence": {"first_bytes": "c0000201"}})["evidence"]["first_bytes"]


def test_values_that_do_not_match_are_masked_deeply():
    evidence = redact({"evidence": {"ours": {"node": NODE_ID, "192.0.2.1": 1}, "theirs": ["seed.example"]}})
    text = json.dumps(evidence)
    assert all(secret not in text for secret in (NODE_ID, "192.0.2.1", "seed.example"))


def test_a_peer_named_like_one_of_our_words_does_not_garble_the_answer():
    view = redact({"addr": "timeout:7072", "reason": "timeout", "kind": "failure", "network": "main"})
    assert (view["reason"], view["kind"], view["network"]) == ("timeout", "failure", "main")
    assert set(view) == {"addr", "reason", "kind", "network"}


def test_every_address_of_a_whole_view_is_masked():
    tracker = DialTracker()
    dial_id = tracker.begin("seedbox:7072", "seed", via="192.0.2.7:7072")
    attempt = EndedAttempt(
        "192.0.2.8:7072",
        0.0,
        0.1,
        Fault(reason=Reason.TIMEOUT, phase=Phase.CONNECT, blame=Blame.PATH, detail="to 192.0.2.8 by seedbox"),
    )
    evidence = Evidence(icmp={"type": 3, "code": 1, "hop": "192.0.2.254"}, ours=NODE_ID)
    fault = Fault(
        reason=Reason.HOST_UNREACHABLE, phase=Phase.CONNECT, blame=Blame.PATH, detail="192.0.2.8", evidence=evidence
    )
    tracker.fail(dial_id, fault, attempts=(attempt,), node_id=NODE_ID)
    for view in (
        debug_view(tracker, None, HEALTHY, READER),
        failures_view(tracker, EventFilter(), 100),
        peers_view(tracker, None),
    ):
        text = msgspec.json.encode(redact(view)).decode()
        assert [secret for secret in ("192.0.2", "seedbox", NODE_ID) if secret in text] == []


def test_ports_stay_in_the_mask():
    assert Address.parse(redact({"addr": "192.0.2.1:80"})["addr"]).port == 80


def test_hostile_text_takes_little_time_to_redact():
    texts = ["1." * 150, "a." * 150, "a" * 300, ":" * 300, "f:" * 150, "a-" * 150, "1" * 300]
    began = time.process_time()
    redact({"details": texts * 10})
    assert time.process_time() - began < 1.0


def test_failures_can_be_filtered_by_the_kinds_that_make_an_entry():
    assert set(get_args(EntryKind)) == {kind for kind in Kind if kind.is_entry}


def test_every_entry_and_every_sample_names_its_event_by_run_and_number():
    tracker = DialTracker()
    for number in range(20):
        tracker.record(f"198.18.0.{number}:7072", "timeout", "seed")
    view = failures_view(tracker, EventFilter(), 100)
    assert [(failure.run, failure.seq) for failure in view.failures] == [(tracker.run, seq) for seq in range(20, 0, -1)]
    [samples] = view.samples
    assert [(sample.run, sample.seq) for sample in samples.failures] == [(tracker.run, seq) for seq in range(16, 21)]
