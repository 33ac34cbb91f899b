"""Suggestions for mistyped names: few, similar, and never a wall of text."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Kind, Reason
from nocarrier.model.wording.nearest import MOST_SUGGESTED, did_you_mean, nearest

REASONS = [reason.value for reason in Reason]


@pytest.mark.parametrize(
    ("mistyped", "near"),
    [
        ("timout", ["timeout"]),
        ("conection_refusd", ["connection_refused"]),
        ("reset", ["connection_reset"]),
        ("mismatch", ["version_mismatch", "peer_id_mismatch", "genesis_mismatch"]),
        ("bogus", []),
        ("", []),
    ],
)
def test_the_nearest_names_are_found_the_likeliest_first(mistyped, near):
    assert nearest(mistyped, REASONS) == near


def test_suggestions_are_few_however_many_names_are_near():
    many = [f"reason_{number}" for number in range(100)]
    assert len(nearest("reason_", many)) == MOST_SUGGESTED
    assert len(nearest("son_", many)) == MOST_SUGGESTED


def test_a_short_table_is_listed_and_a_long_one_is_not():
    assert did_you_mean("skp", [kind.value for kind in Kind]) == (
        "Did you mean skip? Allowed are started, succeeded, failure, cancelled, skip, disconnect."
    )
    assert did_you_mean("mismatch", REASONS) == "Did you mean version_mismatch, peer_id_mismatch or genesis_mismatch?"
    assert did_you_mean("bogus", REASONS, "Look there.") == "Look there."
    assert did_you_mean("bogus", ["a", "b"], "Look there.") == "Allowed are a, b."
    assert did_you_mean("bogus", [], "There is none.") == "There is none."


def test_an_endless_name_is_compared_quickly():
    assert nearest("timeout" * 100_000, REASONS) == []
