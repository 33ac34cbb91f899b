"""What a cause is: declared once, with the rule that finds it and the actions that mend it."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame

SAMPLES = 5
"""Addresses named for each piece of evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule found: the cause as it stands here and now."""

    summary: str
    """One sentence with numbers."""
    confidence: float
    evidence: tuple[EvidenceItem, ...]
    peers: Sequence[FailingPeer] = ()
    """The failing peers that this explains: for causes that depend on it they are no evidence any more."""
    addrs: frozenset[str] = frozenset()
    """Further addresses that it keeps us from, such as those that policy skipped."""
    since_unix: float | None = None
    """When it began; None: when the oldest of `peers` failed."""
    severity: Severity | None = None
    """None: as declared."""
    blame: Blame | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    """What fills the placeholders of the next actions; an action with a placeholder that is not here does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A root cause that explains many failures at once."""

    code: str
    title: str
    """What it says, without numbers."""
    severity: Severity
    """The usual one: critical where the program is cut off by it."""
    blame: Blame
    evidence_rule: str
    """What decides, for people."""
    next_actions: tuple[str, ...]
    """What an operator can do, with {placeholders}; the most useful first."""
    rule: Callable[[Facts], Case | None]
    is_last_resort: bool = False
    """Whether it tells of what nobody explains; then it is no news that others hide it."""
    depends_on: tuple[str, ...] = ()
    """Causes that are asked before: what they explain is no evidence for this one."""


def actions_for(cause: Cause, values: Mapping[str, object]) -> tuple[str, ...]:
    """The next actions that apply, filled in."""
    return tuple(action.format_map(values) for action in cause.next_actions if _placeholders(action) <= values.keys())


def _placeholders(action: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(action) if name}


def evidence_of(statement: str, peers: Iterable[FailingPeer]) -> EvidenceItem:
    """The statement that `peers` are evidence for, the newest five named."""
    newest = sorted(peers, key=lambda peer: peer.failed_unix, reverse=True)
    named = newest[:SAMPLES]
    return EvidenceItem(
        statement=statement,
        count=len(newest),
        addrs=tuple(peer.addr for peer in named),
        event_ids=tuple(peer.event_id for peer in named),
    )


def stated(statement: str, addrs: Iterable[str] = (), count: int | None = None) -> EvidenceItem:
    """A statement that rests on something else than failed dials."""
    listed = tuple(addrs)
    return EvidenceItem(statement=statement, count=len(listed) if count is None else count, addrs=listed[:SAMPLES])


def severity_for(facts: Facts, usual: Severity) -> Severity:
    """Critical where the program has nobody to talk to, whatever keeps it from that; else the usual one.

    Where it is not known whether it has anybody, nothing is merely for information.
    """
    if facts.is_cut_off:
        return Severity.CRITICAL
    return Severity.WARNING if facts.is_cut_off is None and usual is Severity.INFO else usual


def some(addrs: Iterable[str], shown: int = 3) -> str:
    """A few of `addrs` for a sentence."""
    listed = list(addrs)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more


def count_of(number: int, noun: str) -> str:
    """Such as "1 peer" or "3 peers"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
