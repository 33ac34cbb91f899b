"""The form in which the history keeps a finding: JSON, with sentences as templates and values.

Findings written by early builds of 0.1.0 have finished sentences instead. It is no longer known which parts of these
are addresses, so each sentence is read as one quoted text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from nocarrier.model.action import EVERY_PROGRAM, NextAction, ProgramKind, ShellLine, TomlLines
from nocarrier.model.finding import EvidenceItem, Finding, Severity
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import Text, Value, ValueKind, quoted, say


class _Text(msgspec.Struct, frozen=True):
    template: str
    values: dict[str, tuple[ValueKind, str]] = {}


class _Action(msgspec.Struct, frozen=True, omit_defaults=True):
    text: _Text
    command: _Text | None = None
    settings: _Text | None = None
    applies_to: tuple[ProgramKind, ...] = EVERY_PROGRAM


class _Item(msgspec.Struct, frozen=True):
    statement: _Text | str
    count: int
    addrs: tuple[str, ...] = ()
    event_ids: tuple[int, ...] = ()
    run: str | None = None
    """Findings written by early builds of 0.1.0 have none; their events belong to the run in which they began."""


class _Finding(msgspec.Struct, frozen=True):
    code: str
    title: _Text | str
    severity: Severity
    blame: Blame
    summary: _Text | str
    confidence: float
    evidence: tuple[_Item, ...]
    affected_peers: int
    affected_dials: int
    next_actions: tuple[_Action | str, ...]
    since_unix: float
    hides: tuple[str, ...] = ()


def encode_finding(finding: Finding) -> str:
    """Return `finding` as JSON."""
    kept = _Finding(
        code=finding.code,
        title=_kept(finding.title),
        severity=finding.severity,
        blame=finding.blame,
        summary=_kept(finding.summary),
        confidence=finding.confidence,
        evidence=tuple(
            _Item(_kept(item.statement), item.count, item.addrs, item.event_ids, item.run) for item in finding.evidence
        ),
        affected_peers=finding.affected_peers,
        affected_dials=finding.affected_dials,
        next_actions=tuple(map(_kept_action, finding.next_actions)),
        since_unix=finding.since_unix,
        hides=finding.hides,
    )
    return msgspec.json.encode(kept).decode()


def decode_finding(text: str, run: str) -> Finding:
    """Return the finding in `text`; `run` is the run in which it began.

    Raises:
        msgspec.DecodeError: `text` is not a finding.
        ValueError: a template in it does not match its values.
    """
    kept = msgspec.json.decode(text, type=_Finding)
    return Finding(
        code=kept.code,
        title=_text(kept.title),
        severity=kept.severity,
        blame=kept.blame,
        summary=_text(kept.summary),
        confidence=kept.confidence,
        evidence=tuple(
            EvidenceItem(
                statement=_text(item.statement),
                count=item.count,
                addrs=item.addrs,
                event_ids=item.event_ids,
                run=item.run or (run if item.event_ids else None),
            )
            for item in kept.evidence
        ),
        affected_peers=kept.affected_peers,
        affected_dials=kept.affected_dials,
        next_actions=tuple(map(_action, kept.next_actions)),
        since_unix=kept.since_unix,
        hides=kept.hides,
    )


def _kept(text: Text) -> _Text:
    return _Text(text.template, {name: (value.kind, value.text) for name, value in text.values.items()})


def _kept_action(action: NextAction) -> _Action:
    return _Action(
        text=_kept(action.text),
        command=_kept(action.command) if action.command is not None else None,
        settings=_kept(action.settings) if action.settings is not None else None,
        applies_to=action.applies_to,
    )


_AnyText = TypeVar("_AnyText", bound=Text)


def _made(made: Callable[[str, dict[str, Value]], _AnyText], kept: _Text) -> _AnyText:
    return made(kept.template, {name: Value(kind, text) for name, (kind, text) in kept.values.items()})


def _text(kept: _Text | str) -> Text:
    return say("{said}", said=quoted(kept)) if isinstance(kept, str) else _made(Text, kept)


def _action(kept: _Action | str) -> NextAction:
    if isinstance(kept, str):
        return NextAction(text=_text(kept))
    return NextAction(
        text=_text(kept.text),
        command=_made(ShellLine, kept.command) if kept.command is not None else None,
        settings=_made(TomlLines, kept.settings) if kept.settings is not None else None,
        applies_to=kept.applies_to,
    )
