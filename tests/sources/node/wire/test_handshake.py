"""The handshake between two real connections: every way it can end, and what each side then knows."""

from __future__ import annotations

import msgspec
import pytest

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire import LocalPeer, PeerAddress, Rejection, State
from nocarrier.sources.node.wire.claims import REJECT_CODES
from nocarrier.sources.node.wire.events import HandshakeCompleted, HandshakeFailed
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import Auth, Hello, Reject, Welcome, encode
from tests.sources.node.wire.pair import (
    ALICE,
    BOB,
    GENESIS,
    MALLORY,
    NOW,
    Pair,
    dialer,
    listener,
    local_peer,
    messages_of,
    refuse,
)


def failure(events) -> HandshakeFailed:
    (event,) = events
    assert isinstance(event, HandshakeFailed)
    return event


# ---- it works -------------------------------------------------------------------------------------------------------


def test_two_compatible_nodes_reach_a_session_and_know_each_other():
    pair = Pair(dialer=dialer(expected_node_id=BOB.node_id), listener_now=NOW - 2).play()
    (at_dialer,), (at_listener,) = pair.dialer_events, pair.listener_events
    assert isinstance(at_dialer, HandshakeCompleted)
    assert isinstance(at_listener, HandshakeCompleted)
    assert (at_dialer.remote.node_id, at_listener.remote.node_id) == (BOB.node_id, ALICE.node_id)
    assert at_dialer.welcome == Welcome(
        observed_addr="192.0.2.1:7072", peers=[PeerAddress(addr="203.0.113.9:7072", node_id=MALLORY.node_id)]
    )
    assert at_listener.welcome.observed_addr == "192.0.2.2:7072"
    assert at_listener.remote.clock_ahead_s == 2.0
    assert at_listener.remote.ticket == local_peer(ALICE).ticket
    assert pair.dialer.state is pair.listener.state is State.SESSION


def test_each_side_says_hello_auth_welcome_in_this_order():
    pair = Pair().play()
    assert [type(message) for message in messages_of(pair.to_listener)] == [Hello, Auth, Welcome]
    assert [type(message) for message in messages_of(pair.to_dialer)] == [Hello, Auth, Welcome]


@pytest.mark.parametrize(
    ("ours", "theirs", "version"), [((1, 2), (1, 2), 2), ((1, 5), (2, 3), 3), ((4, 4), (1, 4), 4), ((0, 0), (0, 9), 0)]
)
def test_the_newest_common_version_is_used(ours, theirs, version):
    pair = Pair(
        dialer=dialer(min_version=ours[0], max_version=ours[1]),
        listener=listener(min_version=theirs[0], max_version=theirs[1]),
    ).play()
    assert [event.version for event in pair.dialer_events + pair.listener_events] == [version, version]


def test_a_ticket_is_not_shown_when_a_peer_is_printed():
    pair = Pair().play()
    secret = local_peer(ALICE).ticket
    assert secret not in repr(pair.listener_events[0].remote)
    assert secret not in repr(local_peer(ALICE))


# ---- what does not fit ----------------------------------------------------------------------------------------------

MISMATCHES = [
    pytest.param(
        {"min_version": 3, "max_version": 4},
        Reason.VERSION_MISMATCH,
        {"min": 1, "max": 2},
        {"min": 3, "max": 4},
        id="version",
    ),
    pytest.param(
        {"genesis": "cd" * 32},
        Reason.GENESIS_MISMATCH,
        {"network": "main", "genesis": GENESIS},
        {"network": "main", "genesis": "cd" * 32},
        id="genesis",
    ),
    pytest.param(
        {"network": "test"},
        Reason.GENESIS_MISMATCH,
        {"network": "main", "genesis": GENESIS},
        {"network": "test", "genesis": GENESIS},
        id="network",
    ),
]


@pytest.mark.parametrize(("change", "reason", "ours", "theirs"), MISMATCHES)
def test_a_mismatch_is_seen_on_both_sides_with_both_values(change, reason, ours, theirs):
    at_dialer, at_listener = Pair(listener=listener(**change)).play().failures()
    assert (at_dialer.reason, at_listener.reason) == (reason, reason)
    assert at_dialer.evidence == {"ours": ours, "theirs": theirs, "stated_by": "us"}
    assert at_listener.evidence == {"ours": theirs, "theirs": ours, "stated_by": "us"}
    assert at_dialer.remote.node_id == BOB.node_id


@pytest.mark.parametrize(("change", "reason", "ours", "theirs"), MISMATCHES)
def test_the_listener_shows_its_facts_before_it_rejects(change, reason, ours, theirs):
    pair = Pair(listener=listener(**change)).play()
    hello, reject = messages_of(pair.to_dialer)
    assert isinstance(hello, Hello)
    assert reject == Reject(code=reason.value)


@pytest.mark.parametrize("skew_s", [300.5, -300.5, 86_400.0])
def test_clocks_too_far_apart_are_seen_on_both_sides(skew_s):
    pair = Pair(listener=listener(now_unix=NOW + skew_s), listener_now=NOW + skew_s).play()
    at_dialer, at_listener = pair.failures()
    assert at_dialer.reason is at_listener.reason is Reason.CLOCK_SKEW
    ours, theirs = {"clock_unix": NOW}, {"clock_unix": NOW + skew_s}
    assert at_dialer.evidence == {"ours": ours, "theirs": theirs, "stated_by": "us"}
    assert at_listener.evidence == {"ours": theirs, "theirs": ours, "stated_by": "us"}


@pytest.mark.parametrize("skew_s", [300.0, -300.0])
def test_clocks_at_the_limit_pass(skew_s):
    pair = Pair(listener_now=NOW + skew_s).play()
    assert pair.dialer.state is pair.listener.state is State.SESSION


def test_a_dial_to_oneself_is_recognised_by_the_node_id():
    at_dialer, at_listener = Pair(listener=listener(ALICE)).play().failures()
    assert at_dialer.reason is at_listener.reason is Reason.SELF_DIAL_BLOCKED
    assert at_dialer.evidence["ours"] == at_dialer.evidence["theirs"]


def test_two_nodes_with_one_key_differ_in_their_boot_ids():
    at_dialer, _ = Pair(listener=listener(ALICE, boot_id=b"the copy")).play().failures()
    assert at_dialer.reason is Reason.SELF_DIAL_BLOCKED
    assert at_dialer.evidence["theirs"] == {"node_id": ALICE.node_id, "boot_id": b"the copy".hex()}
    assert at_dialer.evidence["ours"] != at_dialer.evidence["theirs"]


def test_an_unexpected_node_is_reported_only_after_its_proof():
    pair = Pair(dialer=dialer(expected_node_id=MALLORY.node_id)).play()
    at_dialer, at_listener = pair.failures()
    assert at_dialer.reason is at_listener.reason is Reason.PEER_ID_MISMATCH
    assert at_dialer.evidence == {
        "ours": {"node_id": MALLORY.node_id},
        "theirs": {"node_id": BOB.node_id},
        "stated_by": "us",
    }
    assert at_listener.evidence == {"stated_by": "remote"}
    assert [type(message) for message in messages_of(pair.to_dialer)] == [Hello, Auth, Welcome]


def test_a_claimed_id_without_proof_is_malformed_and_not_a_mismatch():
    pair = Pair(dialer=dialer(expected_node_id=BOB.node_id), listener=listener(BOB, sign=MALLORY.sign)).play()
    at_dialer, at_listener = pair.failures()
    assert at_dialer.reason is Reason.MALFORMED_HANDSHAKE
    assert at_dialer.detail == "the signature in Auth does not prove the node id"
    assert (at_listener.reason, at_listener.evidence) == (Reason.MALFORMED_HANDSHAKE, {"stated_by": "remote"})


# ---- admission ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when_proven", [False, True])
@pytest.mark.parametrize(
    ("rejection", "extra"),
    [
        (Rejection(reason=Reason.BANNED, detail="spam", until_unix=NOW + 60), {"until_unix": NOW + 60}),
        (Rejection(reason=Reason.TICKET_INVALID, detail="old", ticket="expired"), {"ticket": "expired"}),
        (Rejection(reason=Reason.TOO_MANY_PEERS), {}),
        (Rejection(reason=Reason.DUPLICATE_CONNECTION, detail="the other one stays"), {}),
    ],
    ids=lambda value: value.reason.value if isinstance(value, Rejection) else "",
)
def test_the_dialer_learns_why_the_listener_rejects_it(rejection, extra, when_proven):
    pair = Pair(listener=listener(admit=refuse(rejection, when_proven=when_proven))).play()
    at_dialer, at_listener = pair.failures()
    assert at_dialer.reason is at_listener.reason is rejection.reason
    assert at_dialer.detail == at_listener.detail == rejection.detail
    assert at_dialer.evidence == extra | {"stated_by": "remote"}
    assert at_listener.evidence == extra | {"stated_by": "us"}


@pytest.mark.parametrize("when_proven", [False, True])
def test_the_dialer_can_reject_too(when_proven):
    rejection = Rejection(reason=Reason.BANNED, detail="spam")
    pair = Pair(dialer=dialer(admit=refuse(rejection, when_proven=when_proven))).play()
    at_dialer, at_listener = pair.failures()
    assert at_dialer.reason is at_listener.reason is Reason.BANNED
    assert (at_dialer.evidence, at_listener.evidence) == ({"stated_by": "us"}, {"stated_by": "remote"})


def test_admission_is_asked_once_on_the_claim_and_once_on_the_proof():
    asked = []

    def admit(remote, *, proven):
        asked.append((remote.node_id, proven))

    Pair(listener=listener(admit=admit)).play()
    assert asked == [(ALICE.node_id, False), (ALICE.node_id, True)]


def test_admission_is_never_asked_about_a_peer_as_proven_without_proof():
    asked = []

    def admit(remote, *, proven):
        asked.append(proven)

    Pair(dialer=dialer(sign=MALLORY.sign), listener=listener(admit=admit)).play()
    assert asked == [False]


# ---- what a remote may state ----------------------------------------------------------------------------------------


def hear_rejection(reject: Reject, *, after_hello: bool = True) -> HandshakeFailed:
    hello = frame(encode(local_peer(BOB).hello(nonce=b"b" * 32, clock_unix=NOW + 5))) if after_hello else b""
    return failure(dialer().receive_data(PREAMBLE + hello + frame(encode(reject)), NOW))


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
def test_only_reasons_of_the_table_may_be_stated_by_a_remote(reason):
    heard = hear_rejection(Reject(code=reason.value, detail="so it says"))
    assert heard.evidence["stated_by"] == "remote"
    if reason.value in REJECT_CODES:
        assert (heard.reason, heard.detail) == (reason, "so it says")
    else:
        assert heard.reason is Reason.HANDSHAKE_ERROR
        assert heard.detail == f"rejected with the unknown code {reason.value}: so it says"


@pytest.mark.parametrize(
    ("code", "ours", "theirs"),
    [
        ("version_mismatch", {"min": 1, "max": 2}, {"min": 1, "max": 2}),
        ("clock_skew", {"clock_unix": NOW}, {"clock_unix": NOW + 5}),
    ],
)
def test_a_stated_mismatch_comes_with_the_facts_of_both_hellos(code, ours, theirs):
    heard = hear_rejection(Reject(code=code))
    assert heard.evidence == {"ours": ours, "theirs": theirs, "stated_by": "remote"}


def test_a_rejection_instead_of_a_hello_is_believed_without_facts():
    heard = hear_rejection(Reject(code="version_mismatch"), after_hello=False)
    assert (heard.reason, heard.evidence, heard.remote) == (Reason.VERSION_MISMATCH, {"stated_by": "remote"}, None)


def test_unknown_words_stay_out_of_the_evidence():
    assert "ticket" not in hear_rejection(Reject(code="ticket_invalid", ticket="eaten_by_dog")).evidence
    assert "ticket" not in hear_rejection(Reject(code="banned", ticket="expired")).evidence


def test_we_cannot_state_what_a_remote_may_not_state():
    with pytest.raises(ValueError, match="cannot be stated"):
        Rejection(reason=Reason.TIMEOUT)
    with pytest.raises(ValueError, match="allowed are bad_signature, expired"):
        Rejection(reason=Reason.TICKET_INVALID, ticket="eaten_by_dog")
    with pytest.raises(ValueError, match="until_unix"):
        Rejection(reason=Reason.BANNED, until_unix=float("inf"))


def test_a_long_detail_of_ours_is_cut_and_still_arrives():
    long = Rejection(reason=Reason.BANNED, detail="x" * 5000)
    at_dialer, _ = Pair(listener=listener(admit=refuse(long, when_proven=False))).play().failures()
    assert len(at_dialer.detail) == 256


@pytest.mark.parametrize("change", [{"network": ""}, {"genesis": "x"}, {"boot_id": b""}, {"user_agent": "ü"}])
def test_a_value_that_every_peer_would_reject_is_rejected_when_it_is_set(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        local_peer(ALICE, **change)


def test_too_many_peers_to_share_are_refused_at_once():
    with pytest.raises(ValueError, match="at most 16"):
        dialer(welcome=Welcome(peers=[PeerAddress(addr="192.0.2.1:1")] * 17))


# ---- forged proofs --------------------------------------------------------------------------------------------------


def test_a_recorded_handshake_replayed_to_a_new_connection_fails():
    recorded = Pair().play().to_listener
    same_nonce, fresh_nonce = listener(), listener(nonce=b"c" * 32)
    same_nonce.receive_data(recorded, NOW)
    assert same_nonce.state is State.SESSION  # so it is the nonce that protects
    assert failure(fresh_nonce.receive_data(recorded, NOW)).reason is Reason.MALFORMED_HANDSHAKE


def test_every_connection_draws_its_own_nonce():
    hellos = {messages_of(dialer(nonce=None).data_to_send())[0].nonce for _ in range(10)}
    assert len(hellos) == 10


def test_the_dialers_own_signature_sent_back_to_it_fails():
    alice, bob = dialer(), listener()
    bob.receive_data(alice.data_to_send(), NOW)
    alice.receive_data(bob.data_to_send(), NOW)
    auth_of_alice = alice.data_to_send()
    assert failure(alice.receive_data(auth_of_alice, NOW)).reason is Reason.MALFORMED_HANDSHAKE


def test_a_proof_made_in_the_other_role_fails():
    """Mallory gets Bob, as a dialer, to sign, and shows that to Alice, who dialed Mallory."""
    alice, bob = dialer(), dialer(BOB, nonce=b"b" * 32)
    hello_of_alice, hello_of_bob = alice.data_to_send(), bob.data_to_send()
    alice.receive_data(hello_of_bob, NOW)
    bob.receive_data(hello_of_alice, NOW)
    auth_of_bob = bob.data_to_send()
    assert failure(alice.receive_data(auth_of_bob, NOW)).reason is Reason.MALFORMED_HANDSHAKE


def test_one_changed_byte_of_a_hello_breaks_the_proof():
    """A man in the middle cannot change what the two say about themselves."""
    alice, bob = dialer(), listener()
    hello = alice.data_to_send()
    changed = hello.replace(b"nocarrier/test", b"nocarrier/tesT")
    assert changed != hello
    bob.receive_data(changed, NOW)
    alice.receive_data(bob.data_to_send(), NOW)
    assert failure(bob.receive_data(alice.data_to_send(), NOW)).reason is Reason.MALFORMED_HANDSHAKE


def test_a_node_id_that_is_not_a_key_proves_nothing():
    at_dialer, at_listener = Pair(dialer=dialer(node_id="ff" * 32)).play().failures()
    assert at_dialer.reason is at_listener.reason is Reason.MALFORMED_HANDSHAKE


def test_an_echo_service_is_neither_this_node_nor_a_peer():
    alice = dialer()
    heard = failure(alice.receive_data(alice.data_to_send(), NOW))
    assert (heard.reason, heard.evidence["speaks"]) == (Reason.NOT_OUR_PROTOCOL, "echo")
    assert alice.data_to_send() == b""


# ---- ends in between ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [dialer, listener])
def test_an_end_before_any_answer_is_reported_as_such(make):
    heard = failure(make().receive_eof())
    assert (heard.reason, heard.detail) == (Reason.REMOTE_CLOSED, "closed while we were waiting for its preamble")
    assert heard.evidence == {"bytes_received": 0, "stated_by": "us"}


@pytest.mark.parametrize("parts", range(4))
def test_an_end_within_the_handshake_names_the_step(parts):
    said = [PREAMBLE, frame(encode(local_peer(BOB).hello(nonce=b"b" * 32, clock_unix=NOW)))]
    said += [frame(encode(Auth(signature=bytes(64)))), frame(encode(Welcome()))[:-1]]
    alice = dialer(verify=lambda node_id, signature, data: True)
    stream = b"".join(said[: parts + 1])
    assert alice.receive_data(stream, NOW) == []
    heard = failure(alice.receive_eof())
    assert heard.reason is Reason.REMOTE_CLOSED
    assert heard.detail == "closed while we were waiting for its " + ("Hello", "Auth", "Welcome", "Welcome")[parts]
    assert heard.evidence["bytes_received"] == alice.bytes_received == len(stream)


def test_a_handshake_fails_only_once():
    alice = dialer()
    assert len(alice.receive_eof()) == 1
    assert alice.receive_eof() == []
    assert alice.receive_data(PREAMBLE, NOW) == []


@pytest.mark.parametrize("body", [b"\xc1", b"\x80", encode(Welcome()), msgspec.msgpack.encode({"type": "later"})])
def test_a_peer_that_breaks_the_handshake_is_told(body):
    bob = listener()
    heard = failure(bob.receive_data(PREAMBLE + frame(body), NOW))
    assert heard.reason is Reason.MALFORMED_HANDSHAKE
    hello, reject = messages_of(bob.data_to_send())
    assert isinstance(hello, Hello)
    assert (reject.code, reject.detail) == ("malformed_handshake", heard.detail)


def test_local_peers_put_their_settings_into_hello():
    peer: LocalPeer = local_peer(ALICE)
    hello = peer.hello(nonce=bytes(32), clock_unix=NOW)
    assert {name: getattr(hello, name) for name in LocalPeer.__dataclass_fields__} == {
        name: getattr(peer, name) for name in LocalPeer.__dataclass_fields__
    }
