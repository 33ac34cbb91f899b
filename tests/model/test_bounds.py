"""Whatever came from outside is kept as valid, bounded text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nocarrier.model import bounds


@given(st.one_of(st.text(), st.binary(), st.none(), st.integers(), st.floats(), st.lists(st.text())))
def test_anything_becomes_bounded_text_that_can_be_encoded(value):
    text = bounds.text(value)
    assert len(text) <= bounds.MAX_TEXT_LENGTH
    text.encode()


@pytest.mark.parametrize("value", ["a" * 1_000_000, b"a" * 1_000_000, ["a" * 1_000_000]])
def test_a_cut_can_be_seen(value):
    text = bounds.text(value)
    assert len(text) == bounds.MAX_TEXT_LENGTH
    assert text.endswith("…")


def test_text_that_fits_stays_as_it_is():
    assert bounds.text("höst:7072") == "höst:7072"
    assert bounds.text("a" * bounds.MAX_TEXT_LENGTH) == "a" * bounds.MAX_TEXT_LENGTH


def test_bytes_are_read_as_utf_8_and_surrogates_replaced():
    assert bounds.text(b"h\xf6st") == "h�st"
    assert bounds.text("h\udcf6st") == "h?st"


def test_none_stays_none_if_it_is_allowed():
    assert bounds.optional_text(None) is None
    assert bounds.optional_text("") == ""


def test_no_evidence_is_none():
    assert bounds.evidence(None) is None
    assert bounds.evidence({}) is None


def test_evidence_is_copied():
    given_by_caller = {"errno": "ECONNREFUSED"}
    kept = bounds.evidence(given_by_caller)
    given_by_caller["errno"] = "changed later"
    assert kept == {"errno": "ECONNREFUSED"}


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text() | st.integers(), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text() | st.integers() | st.none(), json_like, max_size=40))
def test_evidence_of_any_shape_becomes_bounded_json(value):
    kept = bounds.evidence(value)
    encoded = json.dumps(kept, ensure_ascii=False).encode()
    assert len(kept or {}) <= bounds.MAX_EVIDENCE_KEYS
    assert len(encoded) < 10_000_000


def a_well():
    deepest = well = {}
    for _ in range(10_000):
        deepest["deeper"] = deepest = {}
    return well


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("never")


@pytest.mark.parametrize("value", [a_well(), Unspeakable(), 10**10_000], ids=["deep", "unspeakable", "huge"])
def test_a_value_that_cannot_be_shown_is_named_instead(value):
    assert 0 < len(bounds.text(value)) <= bounds.MAX_TEXT_LENGTH
    assert len(json.dumps(bounds.evidence({"ours": value}))) < 2_000
