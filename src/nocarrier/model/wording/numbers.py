"""Words for numbers and identities, the same wherever people read them."""

from __future__ import annotations

SHOWN_ID_DIGITS = 12
"""Of a node id or a genesis in a sentence: enough to see that two differ."""

_UNITS_S = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


def count_of(number: int, noun: str) -> str:
    """Such as "1 peer" or "3 peers"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def times(number: int) -> str:
    """Such as "once" or "3 times"."""
    return "once" if number == 1 else f"{number} times"


def short_id(text: str) -> str:
    """The beginning of an identity."""
    return text if len(text) <= SHOWN_ID_DIGITS else f"{text[:SHOWN_ID_DIGITS]}…"


def span(seconds: float) -> str:
    """A length of time, without its sign, in the unit of which there are at least two: such as "90 s" or "3 h"."""
    seconds = abs(seconds)
    unit, unit_s = next(((unit, unit_s) for unit, unit_s in _UNITS_S.items() if seconds >= 2 * unit_s), ("s", 1))
    return f"{seconds / unit_s:.0f} {unit}"
