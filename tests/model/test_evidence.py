"""The table of evidence: it has every key, can show every value, and trusts none."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.model.evidence import EVIDENCE_KEYS, ICMP_NAMES, ValueForm, placeholders, say_evidence
from nocarrier.model.fault import Evidence, IcmpEvidence

TYPES = get_type_hints(Evidence)
FORMS = {
    ValueForm.NUMBER: int,
    ValueForm.TEXT: str,
    ValueForm.NAME: str,
    ValueForm.SECONDS: float,
    ValueForm.TIME: float,
    ValueForm.HEX: str,
    ValueForm.FLAG: bool,
    ValueForm.ICMP: IcmpEvidence,
    ValueForm.ADDRESSES: list[str],
    ValueForm.ANYTHING: object,
}
SAMPLES = {
    int: 7,
    str: "word",
    float: 1.5,
    bool: True,
    IcmpEvidence: {"type": 3, "code": 13, "hop": "192.0.2.1"},
    list[str]: ["192.0.2.1", "2001:db8::1"],
}


def said(evidence, *, is_short=False):
    return list(say_evidence(evidence, lambda _, value: str(value), is_short=is_short))


def test_every_key_of_evidence_has_a_row_and_there_are_no_others():
    assert {row.key: FORMS[row.form] for row in EVIDENCE_KEYS} == TYPES
    assert len({row.key for row in EVIDENCE_KEYS}) == len(EVIDENCE_KEYS)
    assert set(FORMS) == set(ValueForm)


@pytest.mark.parametrize("row", EVIDENCE_KEYS, ids=lambda row: row.key)
def test_a_row_can_show_its_value(row):
    assert row.meaning.endswith(".")
    assert set(row.told_by) <= TYPES.keys()
    for saying in row.sayings:
        known = {"type", "code", "hop", "name"} if row.form is ValueForm.ICMP else TYPES.keys()
        assert placeholders(saying.text) <= known
        assert placeholders(saying.short) <= placeholders(saying.text), "a missing value would be shown"
        assert not saying.text.endswith(".")
        assert saying.when is None or isinstance(saying.when, TYPES[row.key])
    if row.form is ValueForm.ANYTHING:
        assert row.key in {"ours", "theirs"}, "shown side by side"
    elif row.key not in {"decided_by", "stated_by", "large_segments_lost"}:
        assert said({row.key: SAMPLES[TYPES[row.key]]}), "no value of it goes unsaid"


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ({"unacknowledged": 0}, ["the peer's kernel has all that we sent; its program does not answer"]),
        ({"unacknowledged": 1}, ["the peer's kernel never confirmed 1 of our segments"]),
        ({"in_use": 5, "limit": 9}, ["5 of 9 were in use"]),
        ({"in_use": 5}, ["5 were in use"]),
        (
            {"icmp": {"type": 1, "code": 4, "hop": "2001:db8::1"}, "errno": "ECONNREFUSED"},
            ["2001:db8::1 answered with the ICMP error port unreachable (type 1, code 4)"],
        ),
        ({"icmp": {"type": 3, "code": 99, "hop": "a"}}, ["a answered with an ICMP error of type 3, code 99"]),
        ({"until_unix": 5, "because": "timeout"}, ["it waits until 5 because of timeout"]),
        ({"no_neighbour": False}, []),
        ({"errno": None}, []),
        ({"of_somebody": "else"}, []),
    ],
)
def test_sentences(evidence, expected):
    assert said(evidence) == expected


def test_a_short_line_leaves_out_less_telling_evidence():
    evidence = {"errno": "ECONNREFUSED", "decided_by": "network", "syn_retransmits": 0, "elapsed_s": 0.1}
    assert said(evidence, is_short=True) == ["ECONNREFUSED"]
    assert len(said(evidence)) == 4


def test_an_icmp_error_has_one_name():
    assert len({(each.version, each.type, each.code) for each in ICMP_NAMES}) == len(ICMP_NAMES)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "code", "hop"]), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([row.key for row in EVIDENCE_KEYS]), anything))
def test_evidence_of_any_shape_breaks_nothing(evidence):
    """A program that embeds the tracker may record what it likes."""
    assert all(isinstance(clause, str) for clause in said(evidence))


def test_a_value_is_never_read_as_a_template():
    assert said({"speaks": "{errno}", "errno": "E"})[-1] == "what answers speaks {errno}"
