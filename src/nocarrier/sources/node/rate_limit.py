"""Limits how much one peer may ask of this node."""

from __future__ import annotations


class TokenBucket:
    """Allows `per_s` per second on average and `burst` at once. `now_s` is monotonic and passed in."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._at_s = now_s

    def take(self, wanted: int, now_s: float) -> int:
        """Return how many of `wanted` are allowed now; these are used up."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        allowed = min(wanted, int(self._tokens))
        self._tokens -= allowed
        return allowed
