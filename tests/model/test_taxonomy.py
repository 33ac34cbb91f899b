"""The table of reasons is complete, and its names are valid in JSON, SQL and metric labels alike."""

from __future__ import annotations

import json
import re

import pytest

from nocarrier.model.taxonomy import Blame, Kind, Outcome, Phase, Reason, Retry, Source

PROMISED = [
    "ipv6_blocked",
    "invalid_ipv4_endpoint",
    "self_dial_blocked",
    "loopback_blocked",
    "private_ip_blocked",
    "already_connected",
    "connection_refused",
    "timeout",
    "connection_reset",
    "connection_aborted",
    "not_connected",
    "addr_not_available",
    "network_unreachable",
    "handshake_timeout",
    "version_mismatch",
    "genesis_mismatch",
    "banned",
    "ticket_invalid",
    "handshake_error",
]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_complete_row(reason):
    for text in (reason.meaning, reason.usual_cause, reason.next_step):
        assert text.endswith(".")
        assert text.isprintable()
    assert reason.blames
    assert len(set(reason.blames)) == len(reason.blames)
    assert Blame.UNKNOWN not in reason.blames, "only an event may not know"
    assert isinstance(reason.retry, Retry)


@pytest.mark.parametrize("reason", Reason)
def test_the_kind_agrees_with_the_phase(reason):
    assert (reason.kind is Kind.SKIP) == (reason.phase is Phase.POLICY)
    assert (reason.kind is Kind.CANCELLED) == (reason is Reason.CANCELLED)
    assert (reason.kind is Kind.DISCONNECT) == (reason.phase is Phase.SESSION)


@pytest.mark.parametrize("name", PROMISED)
def test_promised_names_never_change(name):
    assert Reason(name).name == name.upper()


def test_promised_sources_never_change():
    assert {"seed", "peer_book", "direct", "gossip", "handshake"} <= set(Source)


@pytest.mark.parametrize("member", [*Reason, *Source, *Phase, *Kind, *Outcome, *Blame])
def test_a_name_is_its_own_json_and_label(member):
    assert json.loads(json.dumps(member)) == str(member) == member.value == f"{member}"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", member)


def test_every_source_says_what_it_means():
    assert all(source.meaning for source in Source)


def test_every_kind_has_its_own_outcome_and_meaning():
    assert [kind.outcome for kind in Kind] == [
        Outcome.BEGAN,
        Outcome.SUCCEEDED,
        Outcome.FAILED,
        Outcome.CANCELLED,
        Outcome.SKIPPED,
        Outcome.DISCONNECTED,
    ]
    assert {kind.outcome for kind in Kind} == set(Outcome)
    assert all(kind.meaning.endswith(".") for kind in Kind)


def test_a_dial_ends_in_one_of_three_ways_and_every_reason_makes_an_entry():
    assert {kind for kind in Kind if kind.ends_dial} == {Kind.SUCCEEDED, Kind.FAILURE, Kind.CANCELLED}
    assert {kind for kind in Kind if kind.is_entry} == {reason.kind for reason in Reason}


def test_blame_is_known_without_evidence_only_if_there_is_one_possibility():
    assert Reason.FD_EXHAUSTED.blame is Blame.US
    assert Reason.CONNECTION_REFUSED.blame is Blame.UNKNOWN


@pytest.mark.parametrize("reason", Reason)
def test_a_peer_that_must_never_be_dialed_again_is_never_our_fault(reason):
    if reason.retry is Retry.NEVER:
        assert set(reason.blames) <= {Blame.THEM, Blame.NONE}
