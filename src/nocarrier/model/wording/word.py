"""Closed sets of words, such as reasons and states. Another node, of a newer version, may know more of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from enum import StrEnum
from typing import Self

_may_be_newer: ContextVar[bool] = ContextVar("nocarrier_words_may_be_newer", default=False)


class Word(StrEnum):
    """A word of a closed set.

    A text that is not in the set is a `ValueError`, except inside `newer_words`. There it becomes a word that equals no
    member and has none of their attributes: whoever looks words up in a table asks `is_known` first, or has an answer
    for the rest.
    """

    @property
    def is_known(self) -> bool:
        """Whether this version has the word in its set."""
        return type(self).__members__.get(self._name_) is self

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or not _may_be_newer.get():
            return None
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word


class DefinedWord(Word):
    """A word that carries its meaning: a member is written as its text and one sentence.

    Attributes:
        meaning: one sentence.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """A member whose text is `value`. The default is for type checkers, who see a look-up as such a call."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


@contextlib.contextmanager
def newer_words() -> Iterator[None]:
    """Take words that this version does not know as they are, while the answer of another node is read."""
    token = _may_be_newer.set(True)
    try:
        yield
    finally:
        _may_be_newer.reset(token)
