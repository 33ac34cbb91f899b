"""From a caller's text to the reason or source it names; unknown ones become ``other``, warned about once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TypeVar

from nocarrier.model import bounds
from nocarrier.model.taxonomy import Reason, Source

MAX_WARNINGS = 100
"""How many unknown names are warned about; who invents names endlessly has been told."""

_Name = TypeVar("_Name", Reason, Source)
_REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
_SOURCES: Mapping[str, Source] = {source.value: source for source in Source}
_warned: set[str] = set()
_log = logging.getLogger("nocarrier")


def known_reason(name: str) -> Reason:
    """The reason called `name`, or ``other``."""
    return _known(name, _REASONS, Reason.OTHER, "reason")


def known_source(name: str) -> Source:
    """The source called `name`, or ``other``."""
    return _known(name, _SOURCES, Source.OTHER, "source")


def _known(name: str, table: Mapping[str, _Name], other: _Name, what: str) -> _Name:
    given: object = name  # callers give anything
    known = table.get(given) if isinstance(given, str) else None
    if known is not None:
        return known
    text = bounds.text(name)
    if text not in _warned and len(_warned) < MAX_WARNINGS:
        _warned.add(text)
        _log.warning("nocarrier: unknown %s %r is recorded as 'other'; known ones are %s", what, text, ", ".join(table))
    return other
