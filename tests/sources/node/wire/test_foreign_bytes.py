"""First bytes of other protocols: when that is decided, and what is reported."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire.frames import PREAMBLE, WIRE_VERSION
from tests.sources.node.wire.conversations import FOREIGN
from tests.sources.node.wire.pair import NOW, dialer, listener

SPEAKS = {"http": "http", "tls alert": "tls", "ssh": "ssh", "multistream": "multistream", "bitcoin": "bitcoin"}


@pytest.mark.parametrize("make", [dialer, listener])
@pytest.mark.parametrize(("name", "stream"), [each for each in FOREIGN if each[0] in SPEAKS])
def test_a_known_protocol_is_named_and_its_first_bytes_are_kept(make, name, stream):
    connection = make()
    connection.data_to_send()
    (event,) = connection.receive_data(stream, NOW)
    assert event.reason is Reason.NOT_OUR_PROTOCOL
    assert event.evidence == {"speaks": SPEAKS[name], "first_bytes": stream[:32].hex(), "stated_by": "us"}
    assert connection.ended
    assert connection.data_to_send() == b""


def test_an_unknown_protocol_has_no_name():
    (event,) = dialer().receive_data(b"\x00\x01\x02\x03" * 20, NOW)
    assert event.reason is Reason.NOT_OUR_PROTOCOL
    assert event.evidence == {"first_bytes": ("00010203" * 8), "stated_by": "us"}


def test_it_waits_for_a_name_while_more_bytes_could_reveal_it():
    alice = dialer()
    assert alice.receive_data(b"S", NOW) == []
    assert alice.receive_data(b"SH", NOW) == []
    (event,) = alice.receive_data(b"-", NOW)
    assert event.evidence["speaks"] == "ssh"


def test_it_stops_waiting_once_no_name_is_possible():
    (event,) = dialer().receive_data(b"XY", NOW)
    assert event.evidence == {"first_bytes": "5859", "stated_by": "us"}


def test_the_end_of_the_stream_ends_the_wait():
    alice = dialer()
    assert alice.receive_data(b"SSH", NOW) == []
    (event,) = alice.receive_eof()
    assert (event.reason, event.evidence["first_bytes"]) == (Reason.NOT_OUR_PROTOCOL, b"SSH".hex())
    assert "speaks" not in event.evidence


def test_half_of_our_own_preamble_is_a_closed_connection_and_not_another_protocol():
    alice = dialer()
    assert alice.receive_data(PREAMBLE[:7], NOW) == []
    (event,) = alice.receive_eof()
    assert (event.reason, event.evidence["bytes_received"]) == (Reason.REMOTE_CLOSED, 7)


@pytest.mark.parametrize("make", [dialer, listener])
def test_another_version_of_our_framing_is_a_version_mismatch_that_both_sides_see(make):
    connection = make()
    connection_said = connection.data_to_send()
    (event,) = connection.receive_data(b"NOCARR\x01\x00", NOW)
    assert event.reason is Reason.VERSION_MISMATCH
    assert event.evidence == {"ours": {"wire": WIRE_VERSION}, "theirs": {"wire": 256}, "stated_by": "us"}
    assert (connection_said + connection.data_to_send()).startswith(PREAMBLE)
