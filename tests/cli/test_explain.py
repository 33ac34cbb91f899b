"""`nocarrier explain`: reasons, causes and words, without a node."""

from __future__ import annotations

import json

import pytest

from nocarrier.cli.explain import explain
from nocarrier.diagnosis import CAUSES
from nocarrier.model.evidence import EVIDENCE_KEYS
from nocarrier.model.glossary import TERMS, key_of
from nocarrier.model.taxonomy import Blame, Kind, Reason, Source
from tests.cli.command import nocarrier

CAUSE = next(cause for cause in CAUSES if cause.code == "seeds_down")


def test_no_name_is_both_a_reason_and_a_cause():
    assert {reason.value for reason in Reason} & {cause.code for cause in CAUSES} == set()


def test_a_cause_is_explained_without_a_node():
    shown = nocarrier("explain", "seeds-down", NOCARRIER_URL="http://127.0.0.1:1")
    assert shown.returncode == 0
    assert f"what it says: {CAUSE.title}" in shown.stdout
    assert f"what decides: {CAUSE.evidence_rule}" in shown.stdout
    assert all(f"\n    {code}: " in shown.stdout for code in CAUSE.depends_on)
    assert "\n  explains: " in shown.stdout
    assert "    1. Ask the operators of the seeds, such as ADDR, for the current list." in shown.stdout


def test_a_cause_as_json():
    row = json.loads(nocarrier("explain", "seeds_down", "--json").stdout)
    assert (row["code"], row["severity"], row["blame"]) == (CAUSE.code, CAUSE.severity, CAUSE.blame)
    assert row["depends_on"] == list(CAUSE.depends_on)
    assert [action["applies_to"] for action in row["next_actions"]] == [
        list(action.applies_to) for action in CAUSE.next_actions
    ]
    assert row["next_actions"][-1]["command"] == "nocarrier doctor --probe --url URL"


@pytest.mark.parametrize("name", [*Reason, *(cause.code for cause in CAUSES)])
def test_every_name_has_an_explanation(name, capsys):
    explain.main([name], standalone_mode=False)
    explain.main([name, "--json"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert shown.startswith(name)
    assert "{" not in shown.partition("\n{")[0]  # no placeholder is left as code


@pytest.mark.parametrize(
    ("mistyped", "near"),
    [("conection_refusd", "connection_refused"), ("seed_down", "seeds_down"), ("ofline", "offline")],
)
def test_an_unknown_name_is_answered_with_the_nearest(mistyped, near):
    shown = nocarrier("explain", mistyped)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert f"Did you mean {near}" in shown.stderr


def test_a_name_unlike_any_other_is_answered_with_how_to_list_all():
    shown = nocarrier("explain", "\x1b[2J")
    assert shown.returncode == 2
    assert "List all with: nocarrier explain" in shown.stderr
    assert "\x1b" not in shown.stderr


@pytest.mark.parametrize("spelled", [["peer book"], ["peer", "book"], ["Peer-Book"], ["peer_book"]])
def test_a_word_of_the_glossary_is_found_however_it_is_spelled(spelled):
    shown = nocarrier("explain", *spelled)
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == [
        "peer book",
        f"  {TERMS['peer book']}",
        f"  a source: A{Source.PEER_BOOK.meaning[1:]}.",
    ]


def test_a_name_that_is_a_reason_and_a_word_is_explained_as_both():
    shown = nocarrier("explain", "cancelled").stdout
    assert shown.startswith("cancelled (a reason)\n")
    assert f"\n  also a kind of event and an outcome: {Kind.CANCELLED.meaning}\n" in shown
    answer = json.loads(nocarrier("explain", "cancelled", "--json").stdout)
    assert answer["meaning"] == Reason.CANCELLED.meaning
    assert [sense["role"] for sense in answer["senses"]] == ["a kind of event and an outcome"]


def test_a_word_for_a_set_lists_its_members_and_fits_a_terminal():
    lines = nocarrier("explain", "evidence").stdout.splitlines()
    assert max(map(len, lines[2:])) <= 80
    listed = " ".join(lines[2:]).partition("One of: ")[2].split(", ")
    assert [each.strip() for each in listed] == [row.key for row in EVIDENCE_KEYS]
    assert json.loads(nocarrier("explain", "blame", "--json").stdout)["senses"][0]["members"] == list(Blame)


def test_without_a_name_everything_that_can_be_explained_is_listed(capsys):
    shown = nocarrier("explain", NOCARRIER_URL="http://127.0.0.1:1")
    assert shown.returncode == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    names = json.loads(nocarrier("explain", "--json").stdout)
    assert list(names) == ["reasons", "causes", "words", "evidence"]
    for group in names.values():
        assert group == sorted(group, key=key_of)
        for name in group:
            assert name in shown.stdout
            explain.main([name], standalone_mode=False)
            assert capsys.readouterr().out.startswith(name)
