"""Words of a closed set, and words of a newer node."""

from __future__ import annotations

import msgspec
import pytest

from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.word import newer_words


def test_a_set_of_words_is_closed_unless_another_node_is_read():
    with newer_words():
        pass
    with pytest.raises(ValueError, match="not a valid Reason"):
        Reason("of_a_newer_node")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("of_a_newer_node", Reason)


def test_a_word_of_a_newer_node_is_its_text_and_not_a_member():
    with newer_words():
        word = msgspec.json.decode(b'"of_a_newer_node"', type=Reason)
        with pytest.raises(ValueError, match="not a valid"):
            Reason(7)
    assert (word, f"{word}", word.value, isinstance(word, Reason)) == (*["of_a_newer_node"] * 3, True)
    assert (word.is_known, word in list(Reason), {word: 1}.get("of_a_newer_node")) == (False, False, 1)
    assert msgspec.json.encode({word: word}) == b'{"of_a_newer_node":"of_a_newer_node"}'


def test_a_known_word_is_its_member():
    with newer_words():
        assert msgspec.convert("them", Blame) is Blame.THEM
        assert not Blame("THEM").is_known  # the name of a member is not a word
    assert Blame.THEM.is_known
