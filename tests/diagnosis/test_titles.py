"""The title of a finding names its subject, and is short enough for one line."""

from __future__ import annotations

import pytest

from nocarrier.diagnosis import CAUSES
from nocarrier.diagnosis.cause import TITLE_LENGTH, title_about
from nocarrier.model.wording.text import ValueKind, say
from tests.diagnosis.table import all_tables, check_title, finding_of, names_subject
from tests.diagnosis.world import World, peer, peers

ROWS = [
    pytest.param(code, row, id=f"{code}: {words}")
    for code, table in all_tables().items()
    for words, row in table.raised.items()
]

LONG_NAME = "seed.of-a-company-with-a-very-long-name.example.org:7072"

TEMPLATE = "{They} {count:does|do} not answer"


@pytest.mark.parametrize(("code", "row"), ROWS)
def test_a_found_cause_has_a_title_that_names_its_subject(code, row):
    found = finding_of(row.world.diagnosis(), code)
    check_title(found)
    assert names_subject(found)


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.code for cause in CAUSES])
def test_the_general_title_is_a_headline_without_values(cause):
    title = str(say(cause.title))
    assert title == cause.title
    assert 0 < len(title) <= TITLE_LENGTH
    assert title[0].isupper()
    assert "  " not in title


def test_one_peer_is_named_by_a_value_that_can_be_masked():
    title = title_about(TEMPLATE, [peer(1)])
    assert str(title) == f"Peer {peer(1)} does not answer"
    [value] = title.values.values()
    assert (value.kind, value.text) == (ValueKind.ADDRESS, peer(1))


def test_several_peers_are_counted():
    assert str(title_about(TEMPLATE, peers(3))) == "3 peers do not answer"


def test_the_same_address_twice_is_one_peer():
    assert str(title_about(TEMPLATE, [peer(1), peer(1)])) == f"Peer {peer(1)} does not answer"


def test_within_a_sentence_the_noun_is_small():
    title = title_about("A firewall blocks {they}", [peer(1)], "seed|seeds")
    assert str(title) == f"A firewall blocks seed {peer(1)}"


def test_a_name_that_would_fill_the_title_is_not_in_it():
    title = title_about("{They} {count:closes|close} connections without an answer", [LONG_NAME])
    assert str(title) == "1 peer closes connections without an answer"


@pytest.mark.parametrize("addr", ["", " ", "[bold red]x[/]:7072", "a\nb:1"])
def test_an_address_that_is_not_one_word_is_not_in_it(addr):
    assert str(title_about(TEMPLATE, [addr])) == "1 peer does not answer"


def test_braces_in_an_address_stay_as_they_are():
    assert str(title_about(TEMPLATE, ["{count}:7072"])) == "Peer {count}:7072 does not answer"


@pytest.mark.parametrize("count", [1, 2])
def test_a_network_with_a_long_name_does_not_lengthen_the_title(count):
    names = [f"{'x' * 60}.{number}.example:7072" for number in range(count)]
    world = World().with_node().session(peers(3)).works(names, ago_s=300).fails(names, "timeout")
    for found in world.diagnosis().findings:
        check_title(found)
