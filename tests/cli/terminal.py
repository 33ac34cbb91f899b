"""Runs the command line on its own terminal, like a person: keys go in, a screen comes out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time

SOON_S = 20.0

QUIET_S = 0.05
"""A screen is written at once, without a pause as long as this."""

ALTERNATE_ON, ALTERNATE_OFF, CURSOR_ON = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"

HOME = "\x1b[H"
"""Starts each drawing of a complete screen."""

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def command(*arguments):
    return [sys.executable, "-m", "nocarrier.cli.main", *arguments]


def environment(**environ):
    names = ("NOCARRIER_", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return {**inherited, "PYTHONWARNINGS": "error", "TERM": "xterm", "PYTHONUTF8": "1", **environ}


def without_escapes(text):
    return _ESCAPE.sub("", text)


class Terminal:
    """A program on a pseudo terminal; `written` holds everything that it wrote. The program is ended when this is
    left."""

    def __init__(self, *arguments, width=100, height=30, has_keys=True, **environ):
        self._master, self._slave = pty.openpty()
        self.resize(width, height)
        self.attributes = termios.tcgetattr(self._slave)
        self._parts = []
        self.process = subprocess.Popen(
            command(*arguments),
            stdin=self._slave if has_keys else subprocess.DEVNULL,
            stdout=self._slave,
            stderr=self._slave,
            env=environment(**environ),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)  # the reader gets EIO
        self._reader.join()
        os.close(self._master)

    def _read(self):
        with contextlib.suppress(OSError):
            while part := os.read(self._master, 65536):
                self._parts.append(part)

    @property
    def written(self):
        return b"".join(self._parts).decode(errors="replace")

    @property
    def screen(self):
        """The newest complete screen as text; empty before there is one."""
        number = -1
        while len(self._parts) != number:  # the screen being drawn is soon complete
            number = len(self._parts)
            time.sleep(QUIET_S)
        drawn = self.written.split(HOME)
        return without_escapes(drawn[-1]).replace("\r", "") if len(drawn) > 1 else ""

    def press(self, keys):
        os.write(self._master, keys.encode())

    def resize(self, width, height):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def wait_for(self, *texts):
        """Wait until the screen, or the text written before it, shows all of `texts`; returns the screen."""
        return self.wait_until(lambda screen: all(text in screen for text in texts), texts)

    def wait_until(self, holds, wanted="the awaited text"):
        deadline = time.monotonic() + SOON_S
        while not holds(screen := self.screen or without_escapes(self.written)):
            assert time.monotonic() < deadline, f"{wanted} not shown within {SOON_S:g} s:\n{screen}"
            time.sleep(0.02)
        return screen

    def ended(self):
        """Wait for the end; returns the exit status."""
        status = self.process.wait(timeout=SOON_S)
        assert self.is_set_back, "the terminal was not set back"
        return status

    @property
    def is_set_back(self):
        """Whether keys are echoed as before, the alternate screen is off and the cursor is on."""
        written = self.written
        return (
            termios.tcgetattr(self._slave) == self.attributes
            and written.rfind(ALTERNATE_ON) <= written.rfind(ALTERNATE_OFF)
            and written.rfind("\x1b[?25l") <= written.rfind(CURSOR_ON)
        )
