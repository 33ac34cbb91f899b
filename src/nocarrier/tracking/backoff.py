"""How long a failed address waits before it is dialed again. Pure.

The waits begin near the time that a fault of that kind needs to pass, and end at a length that still finds a peer again
within a working day.
"""

from __future__ import annotations

import math
import zlib

from nocarrier.model.pause import doubling_pause_s
from nocarrier.model.taxonomy import Retry, Source

_FIRST_AND_LONGEST_S: dict[Retry, tuple[float, float]] = {
    Retry.SHORT: (5.0, 120.0),
    Retry.MID: (30.0, 1_800.0),
    Retry.LONG: (600.0, 43_200.0),
    # The configuration of the machine (routes, sysctl, sandbox) can change while the program runs, so these are retried
    # like MID; no packet leaves the machine until it has changed.
    Retry.WHEN_CONFIG_CHANGES: (30.0, 1_800.0),
    Retry.NEVER: (math.inf, math.inf),
    # A lost tie-break or a skip: the next dial only has to wait a little.
    Retry.NOT_APPLICABLE: (5.0, 120.0),
    Retry.WHEN_LIFTED: (30.0, 1_800.0),
    Retry.AT_STATED_TIME: (5.0, 120.0),
}

LONGEST_FOR_SEEDS_S = 120.0
"""A node that boots offline finds its network within minutes of coming online."""

JITTER = 0.2
"""The share of the delay that varies, so that peers that failed together are not all dialed again together."""


def delay_s(retry: Retry, failures_in_a_row: int, *, source: Source, addr: str) -> float:
    """Seconds to wait after the `failures_in_a_row`-th failure; infinite if another dial never makes sense.

    The jitter derives from address and count, so the same question always has the same answer.
    """
    first, longest = _FIRST_AND_LONGEST_S[retry]
    if source is Source.SEED:
        first, longest = min(first, LONGEST_FOR_SEEDS_S), min(longest, LONGEST_FOR_SEEDS_S)
    if math.isinf(first):
        return math.inf
    delay = doubling_pause_s(first, longest, failures_in_a_row - 1)
    unit = zlib.crc32(f"{addr}#{failures_in_a_row}".encode(errors="replace")) / 2**32
    return delay * (1 - JITTER + 2 * JITTER * unit)
