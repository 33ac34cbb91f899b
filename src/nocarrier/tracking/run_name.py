"""The random name of a run of a program; together with a sequence number it names an event forever."""

from __future__ import annotations

import os
import weakref


class RunName:
    """The name for everything that belongs to one tracker. Read `text` each time: it changes in a forked process.

    A web server may load a program and then fork it. The children record events of their own and must not give them the
    same names.

    Attributes:
        text: 32 lower-case hex digits.
    """

    __slots__ = ("__weakref__", "text")

    def __init__(self) -> None:
        self.draw()
        _drawn.add(self)

    def draw(self) -> None:
        """Draw a new name."""
        self.text = os.urandom(16).hex()


_drawn: weakref.WeakSet[RunName] = weakref.WeakSet()


def _draw_all() -> None:
    for name in list(_drawn):
        name.draw()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_draw_all)
