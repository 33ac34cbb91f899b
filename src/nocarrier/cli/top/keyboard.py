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
"""Read at once; a pasted text is no reason to stop drawing."""


class Keyboard:
    """Keys as they are pressed, where `has_keys`; else it only waits."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def has_keys(self) -> bool:
        """Whether there is somebody to press keys."""
        return self._descriptor is not None

    def read(self, wait_s: float) -> str:
        """What was pressed, once something was or `wait_s` is over.

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
    """The keyboard of standard input, without echo; the terminal is set back at the end."""
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
