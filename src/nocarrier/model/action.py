"""What somebody can do about a finding: a sentence, and where there is one, a command or lines of settings.

A command is one line for a POSIX shell that can be run as it is, and settings are TOML. The values in both come from
dials, and so from strangers: each is quoted, and what cannot be quoted on one line leaves the command out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from nocarrier.model.wording.text import Mask, Sayable, Text, Value, ValueKind, names_in, say, value_of
from nocarrier.model.wording.word import DefinedWord

DEFAULT_URL = "http://127.0.0.1:7070"
"""Of an API, until it is known which one was asked."""


class ProgramKind(DefinedWord):
    """How a program comes to be diagnosed, which decides what its operator can do."""

    NODE = "node", "The program is a nocarrier node."
    EMBEDDED = "embedded", "The program uses nocarrier as a library."
    WATCHED = "watched", "nocarrier watches the program from outside."
    RECORDS = "records", "The program sends records of its dials."


EVERY_PROGRAM = tuple(ProgramKind)

NODE = (ProgramKind.NODE,)

OTHERS = (ProgramKind.EMBEDDED, ProgramKind.WATCHED, ProgramKind.RECORDS)
"""Programs that nocarrier's settings say nothing to."""


class ShellLine(Text):
    """A command: each value is one word of the shell, or a part of one."""

    __slots__ = ()

    def shown(self, value: Value) -> str:
        """Quoted for a POSIX shell where it has to be."""
        return shlex.quote(value.text)


class TomlLines(Text):
    """Settings: each value is a whole TOML value."""

    __slots__ = ()

    def shown(self, value: Value) -> str:
        """A number as it is, and anything else as a TOML string."""
        return value.text if value.kind is ValueKind.NUMBER else json.dumps(value.text, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """An action with the values of one finding."""

    text: Text
    command: ShellLine | None = None
    settings: TomlLines | None = None
    applies_to: tuple[ProgramKind, ...] = EVERY_PROGRAM

    def masked(self, mask: Mask) -> NextAction:
        """The same action with what `mask` shows for each value."""
        return replace(
            self,
            text=self.text.masked(mask),
            command=self.command and self.command.masked(mask),
            settings=self.settings and self.settings.masked(mask),
        )

    def asked_at(self, url: str) -> NextAction:
        """The same action for whoever asks the API at `url`, without a slash at its end."""
        return self.masked(lambda kind, text: url if kind is ValueKind.URL else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action as a cause declares it. Its `{placeholders}` are filled with the values of a finding."""

    text: str
    """A sentence."""
    command: str | None = None
    """One line for a POSIX shell; no placeholder stands inside quotes. `{url}` is the API that was asked."""
    settings: str | None = None
    """Lines for the configuration file, with their table; a placeholder stands for a whole value."""
    applies_to: tuple[ProgramKind, ...] = EVERY_PROGRAM
    needs: tuple[str, ...] = ()
    """Values without which it does not apply, besides those in its placeholders."""

    @property
    def placeholders(self) -> frozenset[str]:
        """Names of all values that it needs."""
        templates = (self.text, self.command or "", self.settings or "")
        return frozenset(self.needs).union(*map(names_in, templates))

    def filled(self, values: Mapping[str, Sayable]) -> NextAction | None:
        """The action with `values`; None where one that it needs is not there: then it does not apply."""
        known = {"url": Value(ValueKind.URL, DEFAULT_URL), **values}
        if not self.placeholders <= known.keys():
            return None
        command = settings = None
        if self.command is not None and _are_words(command_values := _values(self.command, known)):
            command = ShellLine(self.command, command_values)
        if self.settings is not None and _are_printable(settings_values := _values(self.settings, known)):
            settings = TomlLines(self.settings, settings_values)
        return NextAction(text=say(self.text, **known), command=command, settings=settings, applies_to=self.applies_to)


def filled(actions: Iterable[Action], values: Mapping[str, Sayable]) -> tuple[NextAction, ...]:
    """Those of `actions` that apply, with their values."""
    return tuple(action for each in actions if (action := each.filled(values)) is not None)


def _values(template: str, known: Mapping[str, Sayable]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name in names_in(template):
        value = known[name]
        if isinstance(value, Text):
            raise TypeError(f"{name} is a text; a command takes single values")
        values[name] = value_of(value)
    return values


def _are_words(values: Mapping[str, Value]) -> bool:
    """Whether each is a word on one line that no program takes for an option."""
    return _are_printable(values) and not any(value.text.startswith("-") for value in values.values())


def _are_printable(values: Mapping[str, Value]) -> bool:
    return all(value.text.isprintable() for value in values.values())
