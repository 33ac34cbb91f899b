"""Words for numbers and identities, the same wherever people read them."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN_ID_DIGITS = 12
"""Of a node id or a genesis in a sentence: enough to see that two differ."""

_MINUTE_S = 60
_HOUR_S = 3_600


def count_of(number: int, noun: str) -> str:
    """Such as "1 peer" or "3 peers"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def times(number: int) -> str:
    """Such as "once" or "3 times"."""
    return "once" if number == 1 else f"{number} times"


def some(texts: Iterable[str], shown: int = 3) -> str:
    """A few of `texts` for a sentence, such as "a, b, c and 4 more"."""
    listed = list(texts)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more


def short_id(text: str) -> str:
    """The beginning of an identity."""
    return text if len(text) <= SHOWN_ID_DIGITS else f"{text[:SHOWN_ID_DIGITS]}…"


def span(seconds: float) -> str:
    """A length of time, without its sign, in the unit of which there are at least two: such as "90 s" or "2.5 h"."""
    seconds = abs(seconds)
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < 2 * _HOUR_S else f"{seconds / _HOUR_S:.1f} h"
