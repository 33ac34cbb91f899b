"""Words for numbers and identities."""

from __future__ import annotations

import pytest

from nocarrier.model.wording.numbers import SHOWN_ID_DIGITS, count_of, short_id, span, times


@pytest.mark.parametrize(("number", "expected"), [(0, "0 peers"), (1, "1 peer"), (2, "2 peers")])
def test_numbers_and_nouns_agree(number, expected):
    assert count_of(number, "peer") == expected


@pytest.mark.parametrize(("number", "expected"), [(0, "0 times"), (1, "once"), (2, "2 times")])
def test_how_often(number, expected):
    assert times(number) == expected


def test_an_identity_is_shown_short():
    assert short_id("ab" * 32) == "ab" * (SHOWN_ID_DIGITS // 2) + "…"
    assert short_id("ab") == "ab"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (-90, "90 s"), (120, "2 min"), (7_199, "120 min"), (7_200, "2 h"), (9_100, "3 h")],
)
def test_a_span_is_in_the_largest_unit_of_which_there_are_two(seconds, expected):
    assert span(seconds) == expected
