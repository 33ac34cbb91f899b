"""Limits on what callers and peers may make us keep: every text that came from outside passes here."""

from __future__ import annotations

import reprlib
from typing import cast

from nocarrier.model.fault import Evidence

MAX_TEXT_LENGTH = 300
"""Characters of a detail or an evidence value: two lines of a terminal."""

MAX_INT_BITS = 64
"""A larger integer is kept as text: JSON readers would round it, and its digits could be endless."""

MAX_EVIDENCE_KEYS = 32
"""More than the table of evidence has."""

MAX_PROTOCOL_VERSION = 65_535
"""The largest that a Hello can carry."""


def text(value: object, length: int = MAX_TEXT_LENGTH) -> str:
    """`value` as text of at most `length` characters that is valid UTF-8; a cut is marked with an ellipsis."""
    if not isinstance(value, str):
        value = value.decode(errors="replace") if isinstance(value, bytes | bytearray) else _repr(value)
    if len(value) > length:
        value = value[: length - 1] + "…"
    # A lone surrogate (from surrogateescape) cannot be encoded and would break every reader.
    return value if value.isascii() else value.encode(errors="replace").decode()


_short = reprlib.Repr()  # does not walk into a deep or huge value
_short.maxstring = _short.maxother = _short.maxlong = MAX_TEXT_LENGTH + 1


def _repr(value: object) -> str:
    try:
        return _short.repr(value)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may do anything
        return f"({type(value).__name__} that cannot be shown)"


MAX_SECONDS = 1e9
"""Some thirty years; a longer duration is none."""


def seconds(value: object) -> float | None:
    """`value` where it is a duration, else None: NaN would poison every sum that it enters."""
    return float(value) if isinstance(value, (float, int)) and 0 <= value <= MAX_SECONDS else None


def optional_text(value: object) -> str | None:
    """Like `text`, but None stays None."""
    return None if value is None else text(value)


def evidence(value: Evidence | None) -> Evidence | None:
    """A copy of `value` with every text in it bounded."""
    if not value:
        return None
    items = list(value.items())[:MAX_EVIDENCE_KEYS]
    return cast("Evidence", {text(key): _bounded(item) for key, item in items})


def _bounded(value: object, depth: int = 3) -> object:
    if isinstance(value, int) and value.bit_length() > MAX_INT_BITS:
        return text(hex(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, dict):
        return {text(key): _bounded(item, depth - 1) for key, item in list(value.items())[:MAX_EVIDENCE_KEYS]}
    if depth and isinstance(value, list | tuple):
        return [_bounded(item, depth - 1) for item in value[:MAX_EVIDENCE_KEYS]]
    return text(value)
