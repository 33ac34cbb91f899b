"""What a cause is: declared once, with the rule that finds it, the words that tell of it, and the actions that mend it.

A rule decides, and gives values; what is said of them are templates (`model.wording.text`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.errors import AddressError
from nocarrier.model.action import Action
from nocarrier.model.address import Address
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.probe import Looks
from nocarrier.model.taxonomy import Blame
from nocarrier.model.wording.text import SHOWN_ITEMS, Sayable, Text, address, listed, say

SAMPLES = 5
"""Addresses named for each piece of evidence."""

_ANY_PORT = 1
"""Whoever records a dial himself may leave the port out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule found: the cause as it is here and now."""

    summary: Text
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
    values: Mapping[str, Sayable] = field(default_factory=dict)
    """What fills the placeholders of the next actions; an action that needs one that is not here does not apply."""


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
    next_actions: tuple[Action, ...]
    """What an operator can do, the most useful first."""
    rule: Callable[[Facts], Case | None]
    looks: Looks
    """Which probes can tell more, or why none can."""
    is_last_resort: bool = False
    """Whether it tells of what nobody explains; then it is no news that others hide it."""
    depends_on: tuple[str, ...] = ()
    """Causes that are asked before: what they explain is no evidence for this one."""


def evidence_of(template: str, peers: Iterable[FailingPeer], **values: Sayable) -> EvidenceItem:
    """The statement that `peers` are evidence for, the newest five named.

    `template` and `values` are as for `say`. People read it beside the number of peers, which is its value `count`:
    where it begins with a noun, `{count:peer that|peers that}` is the form that goes with it.
    """
    those = list(peers)
    named = heapq.nlargest(SAMPLES, those, key=attrgetter("failed_unix"))
    return EvidenceItem(
        statement=say(template, count=len(those), **values),
        count=len(those),
        addrs=tuple(peer.addr for peer in named),
        event_ids=tuple(peer.event_id for peer in named),
    )


def stated(template: str, addrs: Iterable[str] = (), count: int | None = None, **values: Sayable) -> EvidenceItem:
    """A statement that rests on something other than failed dials; `count` is the number of `addrs`, unless given."""
    those = tuple(addrs)
    number = len(those) if count is None else count
    return EvidenceItem(statement=say(template, count=number, **values), count=number, addrs=those[:SAMPLES])


def addresses(peers: Iterable[FailingPeer]) -> Text:
    """A few of the addresses of `peers`."""
    those = list(peers)
    return listed([address(peer.addr) for peer in those[:SHOWN_ITEMS]], total=len(those))


def host_of(addr: str) -> str | None:
    """The host of `addr`; None where it cannot be parsed."""
    try:
        return Address.parse(addr, default_port=_ANY_PORT).host
    except AddressError:
        return None


def severity_for(facts: Facts, usual: Severity) -> Severity:
    """Critical where the program has nobody to talk to, whatever keeps it from that; else the usual one.

    Where it is not known whether it has anybody, nothing is merely for information.
    """
    if facts.is_cut_off:
        return Severity.CRITICAL
    return Severity.WARNING if facts.is_cut_off is None and usual is Severity.INFO else usual
