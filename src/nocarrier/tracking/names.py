"""Maps a caller's text to the reason or source it names; unknown names become ``other``, with one warning each."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from nocarrier.model import bounds
from nocarrier.model.taxonomy import Reason, Source

MAX_WARNINGS = 100
"""How many unknown names are warned about; a caller that keeps inventing names has had warnings enough."""

_REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
_SOURCES: Mapping[str, Source] = {source.value: source for source in Source}
_warned: set[str] = set()
_log = logging.getLogger("nocarrier")


def known_reason(name: str) -> Reason:
    """The reason called `name`, or ``other``."""
    try:
        return _REASONS[name]
    except (KeyError, TypeError):  # callers may pass anything, even unhashable values
        _warn("reason", name, _REASONS)
        return Reason.OTHER


def known_source(name: str) -> Source:
    """The source called `name`, or ``other``."""
    try:
        return _SOURCES[name]
    except (KeyError, TypeError):
        _warn("source", name, _SOURCES)
        return Source.OTHER


def known_names(reason: str, source: str, detail: str | None) -> tuple[Reason, Source, str | None]:
    """The reason and source that were given, and `detail`, to which unknown names are added."""
    the_reason, the_source = known_reason(reason), known_source(source)
    unknown = [
        f"{what} {bounds.text(given)!r}"
        for what, given, known in (("reason", reason, the_reason), ("source", source, the_source))
        if given != known
    ]
    if unknown:
        detail = "; ".join([*unknown, *([bounds.text(detail)] if detail else [])])
    return the_reason, the_source, detail


def _warn(what: str, name: object, known: Iterable[str]) -> None:
    text = bounds.text(name)
    if text not in _warned and len(_warned) < MAX_WARNINGS:
        _warned.add(text)
        _log.warning("nocarrier: unknown %s %r is recorded as 'other'; known ones are %s", what, text, ", ".join(known))
