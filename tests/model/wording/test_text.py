"""Texts: sentences whose values can be distinguished from their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.model.taxonomy import Reason
from nocarrier.model.wording.text import (
    Text,
    Value,
    ValueKind,
    address,
    decimal,
    declared,
    host,
    joined,
    listed,
    names_in,
    percent,
    quoted,
    say,
    word,
)

HOSTILE = ["{addr}", "{", "}}", "{0}", "{x.__class__}", "a{b:c|d}e", "%s", ""]


def test_a_sentence_has_its_values():
    text = say("{addr} says {said} {count:time|times}.", addr=address("192.0.2.1:7072"), said=quoted("no"), count=2)
    assert str(text) == "192.0.2.1:7072 says no times."
    assert dict(text.values) == {
        "addr": Value(ValueKind.ADDRESS, "192.0.2.1:7072"), "said": Value(ValueKind.TEXT, "no"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 peers are off"), (1, "1 peer is off"), (2, "2 peers are off"), (21, "21 peers are off")],
)
def test_words_agree_with_a_number(count, expected):
    assert str(say("{count} {count:peer is|peers are} off", count=count)) == expected


def test_the_template_keeps_no_forms_to_choose_from():
    text = say("{count} {count:peer|peers}", count=1)
    assert text.template == "{count} peer"


def test_a_text_within_a_text_keeps_its_values():
    inner = say("{addr} is off", addr=address("a:1"))
    text = say("{what}, and {what2}; {addr}", what=inner, what2=inner, addr=address("b:2"))
    assert str(text) == "a:1 is off, and a:1 is off; b:2"
    assert [value.text for value in text.values.values()] == ["a:1", "a:1", "b:2"]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, ""), (1, "a1:1"), (3, "a1:1, a2:1, a3:1"), (7, "a1:1, a2:1, a3:1 and 4 more")]
)
def test_a_list_names_a_few(count, expected):
    text = say("({addrs})", addrs=listed([address(f"a{number}:1") for number in range(1, count + 1)]))
    assert str(text) == f"({expected})"
    assert sum(value.kind is ValueKind.ADDRESS for value in text.values.values()) == min(count, 3)


def test_texts_are_joined_with_any_separator():
    assert str(joined([say("a"), say("{b}", b=word("b")), say("c")], " {and} ")) == "a {and} b {and} c"


def test_words_and_numbers_have_their_kinds():
    text = say("{a} {b} {c} {d}", a=Reason.TIMEOUT, b=3, c=decimal(1.25, 1), d=percent(0.5))
    assert str(text) == "timeout 3 1.2 50%"
    assert [value.kind for value in text.values.values()] == [ValueKind.WORD, *[ValueKind.NUMBER] * 3]


def test_a_plain_string_has_no_kind():
    with pytest.raises(TypeError, match="has no kind"):
        say("{addr}", addr="192.0.2.1:7072")  # type: ignore[arg-type]


@pytest.mark.parametrize(("template", "values"), [("{a}", {}), ("", {"a": word("b")}), ("{a:b|c}", {"a": word("1")})])
def test_template_and_values_match(template, values):
    with pytest.raises(ValueError, match=r"fields|forms"):
        Text(template, values)


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(KeyError):
        say("{addr} is off")


@pytest.mark.parametrize("said", HOSTILE)
def test_text_from_a_peer_is_not_a_template(said):
    text = say("it says: {inner}.", inner=say("{{{said}}}", said=quoted(said)))
    assert str(text) == f"it says: {{{said}}}."


@given(st.text(max_size=40))
def test_any_text_is_shown_as_it_is(said):
    assert str(say("<{said}>", said=quoted(said))) == f"<{said}>"
    assert str(joined([say("a"), say("b")], said)) == f"a{said}b"


def test_a_mask_receives_each_value_with_its_kind_and_not_the_words_of_the_sentence():
    seen = []

    def mask(kind, text):
        seen.append((kind, text))
        return "#"

    text = say("peer {addr} on {host}: {count}", addr=address("peer:1"), host=host("peer"), count=1)
    assert str(text.masked(mask)) == "peer # on #: #"
    assert set(seen) == {(ValueKind.ADDRESS, "peer:1"), (ValueKind.HOST, "peer"), (ValueKind.NUMBER, "1")}
    assert str(text) == "peer peer:1 on peer: 1"


def test_a_declared_template_has_words_in_capitals():
    assert declared("{count} {count:peer is|peers are} off: {some_addr} {{x}}") == "COUNT peers are off: SOME-ADDR {x}"


def test_names_of_a_template():
    assert names_in("{a} {b:c|d} {{e}} {a}") == {"a", "b"}
