"""The glossary: every word that is shown has an entry, and no table is included twice."""

from __future__ import annotations

import pytest

from nocarrier.diagnosis import CAUSES
from nocarrier.model.glossary import GLOSSARY, SETS, TERMS, key_of
from nocarrier.model.node.state import BookState
from nocarrier.model.taxonomy import Reason
from nocarrier.model.wording.word import DefinedWord
from nocarrier.web.api.openapi import openapi_document
from nocarrier.web.api.routes import ROUTES

INTERNAL = {"ValueForm", "ValueKind"}
"""They tell the page how to draw a value; no person reads their words."""


def sets_of_the_api() -> dict[str, list[str]]:
    schemas = openapi_document(ROUTES, version="")["components"]["schemas"]
    return {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema and name not in INTERNAL}


@pytest.mark.parametrize("name", sorted(sets_of_the_api()))
def test_every_word_that_the_api_may_answer_can_be_explained(name):
    explained = {*GLOSSARY, *Reason, *(cause.code for cause in CAUSES)}
    assert [word for word in sets_of_the_api()[name] if word != "-" and key_of(word) not in explained] == []


def test_a_word_of_a_set_means_what_its_table_says():
    assert [sense.meaning for sense in GLOSSARY["hot"].senses] == [BookState.HOT.meaning]
    for each in SETS:
        for word, meaning in each.meanings.items():
            senses = [sense for sense in GLOSSARY[key_of(word)].senses if each.role in sense.role]
            assert [sense.meaning.rstrip(".").lower() for sense in senses] == [meaning.rstrip(".").lower()], word


def test_the_name_of_a_set_is_a_term_and_lists_its_words():
    for each in SETS:
        if each.name:
            assert each.name in TERMS
            assert set(each.meanings) <= set(GLOSSARY[key_of(each.name)].senses[0].members)


def test_every_meaning_is_one_or_two_plain_sentences():
    for entry in GLOSSARY.values():
        for sense in entry.senses:
            assert sense.meaning.endswith("."), entry.word
            assert len(sense.meaning) <= 180, entry.word


def test_every_defined_word_has_a_meaning():
    assert [word for kind in DefinedWord.__subclasses__() for word in kind if not word.meaning] == []


@pytest.mark.parametrize("spelled", ["peer book", " Peer-Book ", "PEER_BOOK", "peer  book"])
def test_a_word_is_found_however_it_is_spelled(spelled):
    assert GLOSSARY[key_of(spelled)].word == "peer book"


def test_words_are_in_alphabetical_order():
    assert list(GLOSSARY) == sorted(GLOSSARY)
