"""Single keys from a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator

MAX_KEYS = 64
"""Keys that are read at once, so that pasted text does not stop the drawing."""


class Keyboard:
    """Reads keys as they are pressed; without `has_keys` it only waits."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def has_keys(self) -> bool:
        """Whether keys can be pressed."""
        return self._descriptor is not None

    def read(self, wait_s: float) -> str:
        """The keys that were pressed, waiting at most `wait_s` for the first.

        Raises:
            EOFError: the terminal is gone.
        """
        if self._descriptor is None:
            time.sleep(wait_s)
            return ""
        if not select.select([self._descriptor], [], [], wait_s)[0]:
            return ""
        keys = os.read(self._descriptor, MAX_KEYS)
        if not keys:
            raise EOFError
        return keys.decode(errors="replace")


@contextlib.contextmanager
def keyboard() -> Iterator[Keyboard]:
    """The keyboard of standard input, without echo; the terminal is restored at the end."""
    if not sys.stdin.isatty():
        yield Keyboard(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keyboard(descriptor)
    finally:
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
