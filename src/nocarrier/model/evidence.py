"""The one table of evidence: what each key means, and how it is said to people.

The command line and the page say evidence in the sentences of this table, `/api/p2p/reasons` serves it, and a page of
the reference documentation is made of it. What type a value has, `model.fault.Evidence` says.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nocarrier.model.wording.word import Word


class ValueForm(Word):
    """What a value of evidence is, which decides how it is shown."""

    NUMBER = "number"
    TEXT = "text"
    """As it is. May come from a peer: hostile."""
    NAME = "name"
    """One of our own words, such as the name of a reason."""
    SECONDS = "seconds"
    TIME = "time"
    """Unix seconds."""
    HEX = "hex"
    """Bytes in hex, shown as the text that they may be."""
    FLAG = "flag"
    ICMP = "icmp"
    """An ICMP error: the type, the code, and which hop sent it."""
    ADDRESSES = "addresses"
    """A list of IP addresses."""
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One way to say a value, as a clause without capital letter and full stop.

    Placeholders such as {limit} are keys of the evidence; without a value for each of them it cannot be said. Those of
    an ICMP error are {type}, {code}, {hop} and, where `ICMP_NAMES` has one, {name}.
    """

    text: str
    when: int | str | bool | None = None
    """Only of this value; None: of any."""
    short: str
    """The same where there is room for the most telling only; empty: left out there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKey:
    """One row of the table."""

    key: str
    form: ValueForm
    meaning: str
    sayings: tuple[Saying, ...]
    """The first that can be said is. None where the two sides of a mismatch are shown side by side."""
    told_by: tuple[str, ...] = ()
    """Keys that say more: beside any of them this one is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpName:
    """What an ICMP error says, in the words of its RFC."""

    version: int
    """Of IP: 4 or 6."""
    type: int
    code: int
    name: str


ICMP_NAMES: tuple[IcmpName, ...] = tuple(
    IcmpName(version=version, type=number, code=code, name=name)
    for version, number, code, name in (
        # RFC 792 and RFC 1812 section 5.2.7.1
        (4, 3, 0, "network unreachable"),
        (4, 3, 1, "host unreachable"),
        (4, 3, 2, "protocol unreachable"),
        (4, 3, 3, "port unreachable"),
        (4, 3, 4, "packet too large"),
        (4, 3, 6, "network unknown"),
        (4, 3, 7, "host unknown"),
        (4, 3, 9, "network administratively prohibited"),
        (4, 3, 10, "host administratively prohibited"),
        (4, 3, 13, "communication administratively prohibited"),
        (4, 11, 0, "time to live exceeded"),
        # RFC 4443 section 3
        (6, 1, 0, "no route to destination"),
        (6, 1, 1, "administratively prohibited"),
        (6, 1, 3, "address unreachable"),
        (6, 1, 4, "port unreachable"),
        (6, 1, 5, "source address failed policy"),
        (6, 1, 6, "route rejected"),
        (6, 2, 0, "packet too big"),
        (6, 3, 0, "hop limit exceeded"),
    )
)
"""Those that can end a dial."""


def _say(text: str, *, when: int | str | bool | None = None, short: str | None = None) -> Saying:
    return Saying(text=text, when=when, short=text if short is None else short)


EVIDENCE_KEYS: tuple[EvidenceKey, ...] = (
    EvidenceKey(
        key="ours",
        form=ValueForm.ANYTHING,
        meaning="What this side has, of two values that do not match.",
        sayings=(),
    ),
    EvidenceKey(
        key="theirs",
        form=ValueForm.ANYTHING,
        meaning="What the peer has, of two values that do not match.",
        sayings=(),
    ),
    EvidenceKey(
        key="icmp",
        form=ValueForm.ICMP,
        meaning="The ICMP or ICMPv6 error that ended an attempt, and which hop sent it.",
        sayings=(
            _say("{hop} answered with the ICMP error {name} (type {type}, code {code})"),
            _say("{hop} answered with an ICMP error of type {type}, code {code}"),
        ),
    ),
    EvidenceKey(
        key="no_neighbour",
        form=ValueForm.FLAG,
        meaning="True: nobody answered for the next hop's address on the link (ARP or neighbour discovery).",
        sayings=(_say("nobody answered for the next hop's address on the link", when=True),),
    ),
    EvidenceKey(
        key="decided_by",
        form=ValueForm.TEXT,
        meaning="local: this machine refused; network: the answer came back.",
        sayings=(
            _say("this machine itself refused: no packet left it", when="local", short="this machine itself refused"),
            _say("the answer came back from the network", when="network", short=""),
        ),
    ),
    EvidenceKey(
        key="resolved_to",
        form=ValueForm.ADDRESSES,
        meaning="The IP addresses that the peer's name led to, in the order of the resolver, at most 4 of them.",
        sayings=(_say("the name led to {resolved_to}"),),
    ),
    EvidenceKey(
        key="rule",
        form=ValueForm.TEXT,
        meaning="What on this side forbids the dial: an entry of the ban list, or the name of a setting.",
        sayings=(_say("{rule} forbids it"),),
    ),
    EvidenceKey(
        key="errno",
        form=ValueForm.TEXT,
        meaning="Name, such as ECONNREFUSED.",
        sayings=(_say("the kernel said {errno}", short="{errno}"),),
        told_by=("icmp",),
    ),
    EvidenceKey(
        key="unacknowledged",
        form=ValueForm.NUMBER,
        meaning="Segments that we sent and the peer's kernel never confirmed. 0: it has them all, and its program does "
        "not answer.",
        sayings=(
            _say("the peer's kernel has all that we sent; its program does not answer", when=0),
            _say("the peer's kernel never confirmed 1 of our segments", when=1),
            _say("the peer's kernel never confirmed {unacknowledged} of our segments"),
        ),
    ),
    EvidenceKey(
        key="syn_retransmits",
        form=ValueForm.NUMBER,
        meaning="How many further SYNs the kernel sent without an answer.",
        sayings=(
            _say("the first packet was not sent again", when=0, short=""),
            _say("1 more SYN went unanswered", when=1),
            _say("{syn_retransmits} more SYNs went unanswered"),
        ),
    ),
    EvidenceKey(
        key="data_retransmits",
        form=ValueForm.NUMBER,
        meaning="How many segments were sent again on the connection once it was open.",
        sayings=(
            _say("no segment had to be sent again once the connection was open", when=0, short=""),
            _say("1 segment had to be sent again once the connection was open", when=1, short=""),
            _say("{data_retransmits} segments had to be sent again once the connection was open", short=""),
        ),
    ),
    EvidenceKey(
        key="bytes_received",
        form=ValueForm.NUMBER,
        meaning="How many bytes came from the peer.",
        sayings=(
            _say("not one byte came from the peer", when=0),
            _say("1 byte came from the peer", when=1, short=""),
            _say("{bytes_received} bytes came from the peer", short=""),
        ),
    ),
    EvidenceKey(
        key="speaks",
        form=ValueForm.TEXT,
        meaning="What the first bytes look like: http, tls, ssh, bitcoin, multistream; echo: our own, sent back.",
        sayings=(
            _say("it sends our own bytes back", when="echo"),
            _say("what answers speaks {speaks}", short="{speaks} answered"),
        ),
    ),
    EvidenceKey(
        key="first_bytes",
        form=ValueForm.HEX,
        meaning="The first bytes that came, in hex, at most 32 of them.",
        sayings=(_say('the first bytes read "{first_bytes}"', short=""),),
    ),
    EvidenceKey(
        key="connect_attempts",
        form=ValueForm.NUMBER,
        meaning="How many connections were made within the handshake window.",
        sayings=(
            _say("1 connection was made within the handshake window", when=1, short=""),
            _say(
                "{connect_attempts} connections were made within the handshake window",
                short="{connect_attempts} connections",
            ),
        ),
    ),
    EvidenceKey(
        key="large_segments_lost",
        form=ValueForm.TEXT,
        meaning="sent or received: in that direction small segments arrive and large ones never do.",
        sayings=(
            _say("of what we send, small segments arrive and large ones never do", when="sent"),
            _say("of what the peer sends, small segments arrive and large ones never do", when="received"),
        ),
    ),
    EvidenceKey(
        key="ticket",
        form=ValueForm.NAME,
        meaning="missing, expired, not_yet_valid, bad_signature or wrong_subject.",
        sayings=(
            _say("the ticket is missing", when="missing"),
            _say("the ticket has a bad signature", when="bad_signature"),
            _say("the ticket is for somebody else", when="wrong_subject"),
            _say("the ticket is {ticket}"),
        ),
    ),
    EvidenceKey(
        key="in_use",
        form=ValueForm.NUMBER,
        meaning="How many were in use: descriptors, or TCP sockets of this machine, TIME_WAIT included.",
        sayings=(_say("{in_use} of {limit} were in use"), _say("{in_use} were in use")),
    ),
    EvidenceKey(
        key="limit",
        form=ValueForm.NUMBER,
        meaning="How many of what ran out there can be: file descriptors of this process, or local ports to dial from.",
        sayings=(_say("there can be {limit}"),),
        told_by=("in_use",),
    ),
    EvidenceKey(
        key="loop_lag_s",
        form=ValueForm.SECONDS,
        meaning="How late our own event loop was when the deadline fired, or how long it stood still while the peer "
        "waited.",
        sayings=(_say("our own event loop was {loop_lag_s} late"),),
    ),
    EvidenceKey(
        key="elapsed_s",
        form=ValueForm.SECONDS,
        meaning="How long it took.",
        sayings=(_say("it took {elapsed_s}", short=""),),
    ),
    EvidenceKey(
        key="because",
        form=ValueForm.NAME,
        meaning="Which reason set the backoff that lasts until `until_unix`.",
        sayings=(_say("it waits until {until_unix} because of {because}"), _say("it waits because of {because}")),
    ),
    EvidenceKey(
        key="until_unix",
        form=ValueForm.TIME,
        meaning="When the backoff or the ban ends.",
        sayings=(_say("it waits until {until_unix}"),),
        told_by=("because",),
    ),
    EvidenceKey(
        key="stated_by",
        form=ValueForm.TEXT,
        meaning="us or remote: whose verdict the reason is.",
        sayings=(
            _say("the peer itself says so", when="remote", short=""),
            _say("that is our own verdict", when="us", short=""),
        ),
    ),
)
"""In the order in which they are said: the most telling first."""

_BY_KEY = {row.key: row for row in EVIDENCE_KEYS}
_ICMP_NAME = {(each.version, each.type, each.code): each.name for each in ICMP_NAMES}

ShowValue = Callable[[ValueForm, object], str]
"""Makes a value ready for people; what may be hostile is still so."""


def say_evidence(evidence: Mapping[str, object], show: ShowValue, *, is_short: bool = False) -> Iterator[str]:
    """What `evidence` says, a clause for each key that says something, the most telling first. May be hostile.

    Args:
        evidence: of a failure or an attempt; a key that the table does not have is not said.
        show: makes a value ready for people.
        is_short: say only the most telling.
    """
    values = {
        key: show(_BY_KEY[key].form, value) for key, value in evidence.items() if key in _BY_KEY and value is not None
    }
    for row in EVIDENCE_KEYS:
        if row.key not in values or any(other in values for other in row.told_by):
            continue
        known = _icmp_values(evidence[row.key]) if row.form is ValueForm.ICMP else values
        for saying in row.sayings:
            if _fits(saying, evidence[row.key], known):
                clause = (saying.short if is_short else saying.text).format_map(known)
                if clause:
                    yield clause
                break


def _fits(saying: Saying, value: object, known: Mapping[str, str]) -> bool:
    # 0 equals False, and 1 True.
    is_of_it = saying.when is None or (type(value) is type(saying.when) and value == saying.when)
    return is_of_it and placeholders(saying.text) <= known.keys()


def placeholders(text: str) -> set[str]:
    """The names in braces in a saying."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _icmp_values(icmp: object) -> dict[str, str]:
    match icmp:
        case {"type": int(number), "code": int(code), "hop": str(hop)}:
            version = 6 if ":" in hop or hop.startswith("ipv6-") else 4  # as it is, or masked for others' eyes
            values = {"type": str(number), "code": str(code), "hop": hop}
            name = _ICMP_NAME.get((version, number, code))
            return values if name is None else {**values, "name": name}
        case _:
            return {}
