"""How pauses grow. Pure."""

from __future__ import annotations

_DOUBLINGS = 30
"""Beyond any pause that makes sense; without a ceiling the power itself would overflow after some thousand rounds."""


def doubling_pause_s(first_s: float, longest_s: float, times: int) -> float:
    """`first_s`, doubled `times` times, and at most `longest_s`; any number of times will do."""
    return min(first_s * 2.0 ** min(max(times, 0), _DOUBLINGS), longest_s)
