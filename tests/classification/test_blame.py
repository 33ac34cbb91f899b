"""Blame follows the evidence, and stays unknown without evidence."""

from __future__ import annotations

import math

import pytest

from nocarrier.classification import blame_for
from nocarrier.model.taxonomy import Blame, Reason

ICMP = {"type": 3, "code": 1, "hop": "198.18.1.1"}
MTU = {"large_segments_lost": "sent"}


@pytest.mark.parametrize(
    ("evidence", "blame"),
    [
        ({}, Blame.UNKNOWN),
        ({"decided_by": "network"}, Blame.THEM),
        ({"decided_by": "network", "icmp": ICMP}, Blame.PATH),
        ({"decided_by": "local", "icmp": ICMP}, Blame.US),
        ({"decided_by": "local"}, Blame.US),
    ],
)
def test_a_refusal_is_blamed_on_the_side_that_gave_it(evidence, blame):
    assert blame_for(Reason.CONNECTION_REFUSED, evidence) is blame


@pytest.mark.parametrize("reason", [Reason.NETWORK_UNREACHABLE, Reason.HOST_UNREACHABLE])
def test_an_unreachable_place_is_never_the_peers_fault(reason):
    assert blame_for(reason, {"decided_by": "local"}) is Blame.US
    assert blame_for(reason, {"decided_by": "network"}) is Blame.PATH
    assert blame_for(reason, {"no_neighbour": True}) is Blame.PATH
    assert blame_for(reason, {}) is Blame.UNKNOWN


@pytest.mark.parametrize(
    ("evidence", "blame"),
    [
        ({}, Blame.UNKNOWN),
        ({"syn_retransmits": 2}, Blame.PATH),
        ({"syn_retransmits": 1, "decided_by": "local"}, Blame.US),
        ({"syn_retransmits": 0, "loop_lag_s": 3.0}, Blame.US),
        ({"syn_retransmits": 2, "loop_lag_s": 3.0}, Blame.PATH),
        ({"loop_lag_s": 3.0}, Blame.US),
        ({"syn_retransmits": 0, "loop_lag_s": 0.1}, Blame.PATH),
    ],
)
def test_silence_is_blamed_on_the_path_or_on_our_own_stall(evidence, blame):
    assert blame_for(Reason.TIMEOUT, evidence) is blame


@pytest.mark.parametrize("lag", [0.5, "3", None, math.nan, [], {}])
def test_only_a_real_lag_takes_the_blame_off_the_peer(lag):
    assert blame_for(Reason.HANDSHAKE_TIMEOUT, {"loop_lag_s": lag}) is Blame.THEM
    assert blame_for(Reason.HANDSHAKE_TIMEOUT, {"loop_lag_s": 1.0}) is Blame.US


@pytest.mark.parametrize(
    ("reason", "otherwise"),
    [
        (Reason.HANDSHAKE_TIMEOUT, Blame.THEM),
        (Reason.REMOTE_CLOSED, Blame.THEM),
        (Reason.CONNECTION_RESET, Blame.UNKNOWN),
    ],
)
def test_blame_for_a_connection_that_ended_without_an_answer(reason, otherwise):
    assert blame_for(reason, {}) is otherwise
    assert blame_for(reason, {"loop_lag_s": 1.0, "elapsed_s": 10.0}) is Blame.US
    assert blame_for(reason, {"loop_lag_s": 1.0, "elapsed_s": 36.0}) is otherwise, "the peer had 35 s"
    assert blame_for(reason, {"unacknowledged": 2, "data_retransmits": 5}) is Blame.UNKNOWN
    assert blame_for(reason, {"unacknowledged": 0, "data_retransmits": 5}) is otherwise
    assert blame_for(reason, {"large_segments_lost": "sent", "loop_lag_s": 9.0}) is Blame.PATH


@pytest.mark.parametrize(
    ("ours", "theirs", "blame"),
    [
        ({"min": 1, "max": 2}, {"min": 3, "max": 4}, Blame.US),
        ({"min": 3, "max": 4}, {"min": 1, "max": 2}, Blame.THEM),
        ({"min": 1, "max": 3}, {"min": 2, "max": 4}, Blame.UNKNOWN),
        ({"min": 1}, {}, Blame.UNKNOWN),
        ({"max": "x"}, {"min": 1}, Blame.UNKNOWN),
        ("1", "2", Blame.UNKNOWN),
        (None, None, Blame.UNKNOWN),
    ],
)
def test_the_older_version_is_to_blame(ours, theirs, blame):
    assert blame_for(Reason.VERSION_MISMATCH, {"ours": ours, "theirs": theirs}) is blame


@pytest.mark.parametrize("reason", [reason for reason in Reason if len(reason.blames) == 1])
def test_a_reason_with_only_one_possible_blame_has_it_in_the_table(reason):
    assert blame_for(reason, {}) is reason.blames[0]


@pytest.mark.parametrize("reason", Reason)
def test_evidence_never_leads_to_a_blame_that_is_not_in_the_table(reason):
    for evidence in ({}, {"decided_by": "local"}, {"decided_by": "network"}, {"icmp": ICMP}, {"loop_lag_s": 9.0}, MTU):
        assert blame_for(reason, evidence) in {*reason.blames, Blame.UNKNOWN}
