"""Sentences as data: a template, and the values in it, each with its kind.

The kind decides what may be shown to whom and how: an address is masked where an answer is to be shared, and a peer's
own words are escaped wherever they are shown. So nobody has to search a finished sentence for either.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self, TypeAlias

from nocarrier.model.wording.word import Word


class ValueKind(Word):
    """What a value in a sentence is."""

    ADDRESS = "address"
    """Where a peer can be dialed: host and port."""
    HOST = "host"
    """A host name or an IP address, without a port."""
    NETWORK = "network"
    """A netgroup, or an address with a prefix length."""
    IDENTITY = "identity"
    """A node id, a key or a ticket."""
    URL = "url"
    """Of the API that is asked."""
    NUMBER = "number"
    WORD = "word"
    """From our own tables."""
    TEXT = "text"
    """Said by a peer, the system or another program: hostile."""


Mask: TypeAlias = Callable[[ValueKind, str], str]
"""What to show for a value."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value in a sentence."""

    kind: ValueKind
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence, or a part of one. Make it with `say`."""

    template: str
    """With a `{name}` for each value; braces of the sentence itself are doubled."""
    values: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a template and values that do not match."""
        names = {name for _, name in _parts(self.template) if name}
        if names != self.values.keys():
            raise ValueError(f"{self.template!r} has the fields {sorted(names)}, and {sorted(self.values)} are given")

    def __str__(self) -> str:
        """The finished sentence."""
        return self.template.format_map({name: self.shown(value) for name, value in self.values.items()})

    def shown(self, value: Value) -> str:
        """How `value` is written in this text."""
        return value.text

    def masked(self, mask: Mask) -> Self:
        """The same text with what `mask` shows for each value."""
        values = {name: Value(value.kind, mask(value.kind, value.text)) for name, value in self.values.items()}
        return replace(self, values=values)


Sayable: TypeAlias = Value | Text | StrEnum | int
"""What can stand in a sentence: a plain string cannot, as nobody would know its kind."""


def say(template: str, /, **values: Sayable) -> Text:
    """The sentence that `template` makes of `values`; those that it does not name are left out.

    Args:
        template: `{name}` is the value of that name, and `{name:peer is|peers are}` the form that goes with a number.
        values: numbers, words of our own enums, values, and texts, which become part of this one.

    Raises:
        KeyError: the template names a value that is not there.
    """
    made: list[str] = []
    used: dict[str, Value] = {}
    for literal, name, forms in _fields(template):
        made.append(_escaped(literal))
        if not name:
            continue
        value = values[name]
        if forms:
            made.append(_escaped(_form(forms, value)))
        elif isinstance(value, Text):
            names = {inner: f"{name}_{inner}" for inner in value.values}
            made.append(_renamed(value.template, names))
            used |= {outer: value.values[inner] for inner, outer in names.items()}
        else:
            made.append(f"{{{name}}}")
            used[name] = value_of(value)
    return Text("".join(made), used)


def value_of(value: Value | StrEnum | int) -> Value:
    """`value` with its kind; raises TypeError where nobody knows it."""
    if isinstance(value, Value):
        return value
    if isinstance(value, StrEnum):
        return Value(ValueKind.WORD, value.value)
    if isinstance(value, int):
        return Value(ValueKind.NUMBER, str(value))
    raise TypeError(f"{value!r} has no kind: say with address(), host(), quoted() ... what it is")


def names_in(template: str) -> frozenset[str]:
    """The names of all values that `template` needs."""
    return frozenset(name for _, name, _ in _fields(template) if name)


def declared(template: str) -> str:
    """The template as people read it: words in capitals for values, and of several forms the one for many."""
    made = []
    for literal, name, forms in _fields(template):
        made += [literal, forms.partition("|")[2] or name.upper().replace("_", "-")]
    return "".join(made)


def address(text: str) -> Value:
    """Where a peer can be dialed."""
    return Value(ValueKind.ADDRESS, text)


def host(text: str) -> Value:
    """A host name or an IP address."""
    return Value(ValueKind.HOST, text)


def network(text: str) -> Value:
    """A netgroup, or an address with a prefix length."""
    return Value(ValueKind.NETWORK, text)


def identity(text: str) -> Value:
    """A node id, a key or a ticket."""
    return Value(ValueKind.IDENTITY, text)


def word(text: str) -> Value:
    """One of our own words."""
    return Value(ValueKind.WORD, text)


def quoted(text: str) -> Value:
    """What somebody else has said."""
    return Value(ValueKind.TEXT, text)


def decimal(number: float, digits: int = 0) -> Value:
    """A number with `digits` after the point."""
    return Value(ValueKind.NUMBER, f"{number:.{digits}f}")


def percent(share: float) -> Value:
    """A share of 1."""
    return Value(ValueKind.NUMBER, f"{share:.0%}")


SHOWN_ITEMS = 3
"""Of a list in a sentence."""


def listed(values: Sequence[Sayable], shown: int = SHOWN_ITEMS, *, total: int | None = None) -> Text:
    """A few of `values`, such as "a, b, c and 4 more".

    Args:
        values: the items, or the first `shown` of them.
        shown: how many the sentence names.
        total: how many items there are; None: as many as `values`.
    """
    total = len(values) if total is None else total
    named = {f"item{place}": value for place, value in enumerate(values[:shown], 1)}
    template = ", ".join(f"{{{name}}}" for name in named)
    if total > shown:
        return say(template + " and {more} more", **named, more=total - shown)
    return say(template, **named)


def joined(texts: Sequence[Text], separator: str) -> Text:
    """`texts` one after the other."""
    named = {f"part{place}": text for place, text in enumerate(texts, 1)}
    return say(_escaped(separator).join(f"{{{name}}}" for name in named), **named)


def _form(forms: str, value: Sayable) -> str:
    one, separator, many = forms.partition("|")
    if not separator or not isinstance(value, int):
        raise ValueError(f"{{...:{forms}}} wants two forms, and {value!r} to be a number")
    return one if value == 1 else many


def _renamed(template: str, names: Mapping[str, str]) -> str:
    return "".join(_escaped(literal) + (f"{{{names[name]}}}" if name else "") for literal, name, _ in _fields(template))


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


def _fields(template: str) -> Iterator[tuple[str, str, str]]:
    for literal, name, forms, _ in string.Formatter().parse(template):
        yield literal, name or "", forms or ""


def _parts(template: str) -> Iterator[tuple[str, str]]:
    for literal, name, forms in _fields(template):
        if forms:
            raise ValueError(f"{template!r} has forms to choose from; make the text with say()")
        yield literal, name
