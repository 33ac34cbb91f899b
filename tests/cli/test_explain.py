"""`nocarrier explain`: reasons and causes, without a node."""

from __future__ import annotations

import json

import pytest

from nocarrier.cli.explain import explain
from nocarrier.diagnosis import CAUSES
from nocarrier.model.taxonomy import Reason
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
    assert "explains away: " in shown.stdout
    assert "    1. Ask the operators of the seeds, ADDR for one, for the present list." in shown.stdout


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
def test_an_unknown_name_is_answered_with_the_nearest_of_both(mistyped, near):
    shown = nocarrier("explain", mistyped)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert near in shown.stderr


def test_a_name_like_no_other_is_answered_with_all():
    shown = nocarrier("explain", "\x1b[2J")
    assert shown.returncode == 1
    assert "handshake_timeout" in shown.stderr
    assert "seeds_down" in shown.stderr
    assert "\x1b" not in shown.stderr
