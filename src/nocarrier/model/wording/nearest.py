"""Helps somebody who mistyped a name of a table: an option, a key, a reason."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

MOST_SUGGESTED = 3

MOST_LISTED = 10
"""A table with at most this many names is listed as a whole; more are a wall that nobody reads."""

LEAST_LIKENESS = 0.5
"""`difflib`'s measure, from 0 to 1. Two names less alike than this look like a guess."""

_AS_GOOD = 0.12
"""A name this much less alike than the best one is worth a suggestion too."""

_LONGEST = 80
"""Characters of a mistyped name that are compared: no table has a longer one."""


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The names in `known` that `name` most likely stands for, the most likely first; at most three."""
    name, known = name[:_LONGEST], list(known)
    near = difflib.get_close_matches(name, known, n=MOST_SUGGESTED, cutoff=LEAST_LIKENESS)
    if not near:  # a part of the name, such as "reset" of connection_reset
        return [each for each in known if name and name in each][:MOST_SUGGESTED]
    likeness = [difflib.SequenceMatcher(None, each, name).ratio() for each in near]
    return [each for each, like in zip(near, likeness, strict=True) if like >= likeness[0] - _AS_GOOD]


def did_you_mean(name: str, known: Collection[str], otherwise: str = "") -> str:
    """What to say after "unknown `name`": suggestions, and all of `known` if it is short.

    Args:
        name: what was typed.
        known: what could have been typed.
        otherwise: said if nothing in `known` is near and it is too long to list.

    Returns:
        Sentences, such as "Did you mean seed?", or `otherwise`.
    """
    near = nearest(name, known)
    said = [f"Did you mean {_one_of(near)}?"] if near else []
    if 0 < len(known) <= MOST_LISTED:
        said.append(f"Allowed are {', '.join(known)}.")
    return " ".join(said) or otherwise


def _one_of(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
