"""What a cause is: declared once, with the rule that finds it, its wording, and the actions that fix it.

A rule decides and supplies values; templates (`model.wording.text`) turn the values into sentences.
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
from nocarrier.model.wording.text import SHOWN_ITEMS, Sayable, Text, address, listed, say, word

SAMPLES = 5
"""How many addresses a piece of evidence names."""

TITLE_LENGTH = 80
"""The most characters of a title; a page or a terminal shows this many on one line."""

_ANY_PORT = 1
"""A program that records its own dials may leave the port out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule found: the cause as it is here and now."""

    summary: Text
    """One sentence with numbers."""
    title: Text | None = None
    """A headline with its subject, of about 70 characters and without a full stop; None: the title of the cause."""
    confidence: float
    evidence: tuple[EvidenceItem, ...]
    peers: Sequence[FailingPeer] = ()
    """The failing peers that this explains. They are not evidence for a cause that depends on this one."""
    addrs: frozenset[str] = frozenset()
    """Further addresses that cannot be used because of it, such as those that policy skipped."""
    since_unix: float | None = None
    """When it began; None: when the oldest of `peers` failed."""
    severity: Severity | None = None
    """None: as declared."""
    blame: Blame | None = None
    """None: as declared."""
    values: Mapping[str, Sayable] = field(default_factory=dict)
    """Values for the placeholders of the next actions; an action whose placeholder has no value does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A root cause that explains many failures at once."""

    code: str
    title: str
    """The general headline: what the cause says about whom, without numbers and without a full stop."""
    severity: Severity
    """The usual one; it is critical if the program is cut off."""
    blame: Blame
    """The usual one."""
    evidence_rule: str
    """What the rule looks for, in a sentence for people."""
    next_actions: tuple[Action, ...]
    """What an operator can do, the most useful first."""
    rule: Callable[[Facts], Case | None]
    looks: Looks
    """Which probes can tell more, or why none can."""
    is_last_resort: bool = False
    """Whether it is about failures that no other cause explains; then no finding lists it as explained."""
    depends_on: tuple[str, ...] = ()
    """Causes that are asked first: the peers that they explain are not evidence for this one."""


def title_about(template: str, addrs: Iterable[str], nouns: str = "peer|peers", /, **values: Sayable) -> Text:
    """A title about the peers at `addrs`: a single one is named, several are counted.

    `{They}`, or `{they}` after the first word, becomes "Peer 203.0.113.9:7072" or "3 peers", and `{count:does|do}`
    the form that goes with their number. A single peer is counted too if its address has spaces or would make the
    title too long.

    Args:
        template: the title, such as "{They} {count:does|do} not answer".
        addrs: at least one; an address that comes twice counts once.
        nouns: what to call one address, and several.
        **values: as for `say`.
    """
    distinct = sorted(set(addrs))
    count = len(distinct)
    if count == 1 and distinct[0].split() == distinct:  # a program may record anything as an address, even nothing
        noun, it = nouns.partition("|")[0], address(distinct[0])
        named = {"They": say(f"{noun.capitalize()} {{it}}", it=it), "they": say(f"{noun} {{it}}", it=it)}
        title = say(template, count=count, **values, **named)
        if len(str(title)) <= TITLE_LENGTH:
            return title
    counted = say(f"{{count}} {{count:{nouns}}}", count=count)
    return say(template, count=count, They=counted, they=counted, **values)


def us(facts: Facts) -> dict[str, Sayable]:
    """What to call this side in a sentence: `{Us}` at its beginning, `{us}` elsewhere."""
    name = "program" if facts.node is None else "node"
    return {"Us": word(f"This {name}"), "us": word(f"this {name}")}


def evidence_of(template: str, peers: Iterable[FailingPeer], **values: Sayable) -> EvidenceItem:
    """The statement that `peers` are evidence for; it names the five whose failures are newest.

    `template` and `values` are as for `say`. The statement goes on where the number of peers ends, which is also its
    value `count`: "3", then "peers refuse the connection", which is written `{count:peer refuses|peers refuse} ...`.
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
    """A statement that rests on something other than failed dials; `count` defaults to the number of `addrs`."""
    those = tuple(addrs)
    number = len(those) if count is None else count
    return EvidenceItem(statement=say(template, count=number, **values), count=number, addrs=those[:SAMPLES])


def addresses(peers: Iterable[FailingPeer]) -> Text:
    """The first few addresses of `peers`."""
    those = list(peers)
    return listed([address(peer.addr) for peer in those[:SHOWN_ITEMS]], total=len(those))


def host_of(addr: str) -> str | None:
    """The host of `addr`; None if it cannot be parsed."""
    try:
        return Address.parse(addr, default_port=_ANY_PORT).host
    except AddressError:
        return None


def severity_for(facts: Facts, usual: Severity) -> Severity:
    """Critical if the program has nobody to talk to, whatever the cause; otherwise the usual one.

    If nobody knows whether it has anybody, the severity is at least a warning.
    """
    if facts.is_cut_off:
        return Severity.CRITICAL
    return Severity.WARNING if facts.is_cut_off is None and usual is Severity.INFO else usual
