"""The chain of introductions by which an address came to us, followed back to its root."""

from __future__ import annotations

from collections.abc import Callable

from nocarrier.model.node.state import Introduction
from nocarrier.model.taxonomy import Source

MAX_STEPS = 16
"""Each step is a peer that was connected with us. Addresses spread over a network of a million nodes in some six; more
than this many are a chain that somebody made up."""


def introduction_chain(addr: str, origin_of: Callable[[str], Introduction | None]) -> list[Introduction]:
    """The chain from `addr` to its root: a seed, an address given by hand, or a peer that introduced itself.

    It ends earlier where it would come back to where it was, after 16 steps, and at an introducer of whom nothing is
    known; that one has source other and no first sight.

    Args:
        addr: where the chain begins.
        origin_of: how one address came to us; None: not known.
    """
    origin = origin_of(addr)
    if origin is None:
        return []
    chain = [origin]
    passed = {addr}
    while origin.via is not None and origin.via not in passed and len(chain) < MAX_STEPS:
        passed.add(origin.via)
        unknown = Introduction(addr=origin.via, source=Source.OTHER, via=None, first_seen_unix=None)
        origin = origin_of(origin.via) or unknown
        chain.append(origin)
    return chain
