"""The glossary: what each word means that an operator meets on the command line, on the page and in the docs.

`nocarrier explain` and docs/glossary.md are made of it. A word that belongs to a closed set, such as a phase, is
explained by the table of that set; everything else is in `TERMS`. Reasons and causes have explanations of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from nocarrier.model.action import ProgramKind
from nocarrier.model.evidence import EVIDENCE_KEYS
from nocarrier.model.finding import HealthStatus, Severity
from nocarrier.model.history import ENDED_BY, HistoryState, MissingBecause
from nocarrier.model.node.counters import DIAL_BACKS, REFUSALS
from nocarrier.model.node.session_end import SESSION_ENDS
from nocarrier.model.node.state import REACHABILITY, BookState, DialOutcome, Direction
from nocarrier.model.probe import Answer
from nocarrier.model.taxonomy import Blame, Kind, Phase, Retry, Source
from nocarrier.model.wording.word import DefinedWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """One meaning of a word."""

    meaning: str
    """One or two sentences."""
    role: str = ""
    """What the word is in this sense, such as "a phase"; empty in its general sense."""
    members: tuple[str, ...] = ()
    """The words of the set that this word names, such as the phases for "phase"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One word of the glossary."""

    word: str
    senses: tuple[Sense, ...]

    @property
    def is_evidence_key(self) -> bool:
        """Whether it is a key of evidence and nothing else."""
        return all(sense.role == EVIDENCE_ROLE for sense in self.senses)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSet:
    """A closed set of words."""

    role: str
    """What each member is, such as "a phase"."""
    meanings: Mapping[str, str]
    """What each member means."""
    name: str = ""
    """The term that stands for the whole set, if there is one."""


EVIDENCE_ROLE = "a key of evidence"


TERMS: Mapping[str, str] = {
    "admission key": "The public key that tickets are checked with. A node that has one accepts only peers with a "
    "ticket signed by the matching private key.",
    "allowed networks": "Private or loopback networks that a node may dial although LAN mode is off: allow_networks "
    "under [node].",
    "applies to": "Which kinds of programs an action makes sense for.",
    "attempt": "One try to connect to one address of a peer. A dial makes several if the peer's name has several "
    "addresses, or if it repeats a handshake on a fresh connection.",
    "backoff": "The wait before an address that failed is dialed again. It grows with each failure in a row. A dial by "
    "hand (nocarrier connect) does not wait.",
    "ban": "A rule not to dial or accept a peer: an address, a network or a node id. It comes from bans under [node], "
    "or from a peer that broke the protocol.",
    "blame": "Whose fault a failure or a finding is.",
    "cause": "Why dials fail. One cause, such as a firewall, can explain many failures. A cause that is active is a "
    "finding.",
    "confidence": "How sure the doctor is of a finding, from 0 to 1. It depends on the kind of evidence, and on how "
    "many unrelated peers and netgroups show the same.",
    "connected": "The peer and this node have a session.",
    "dead": "Said of an address that was told by a peer: it was dialed and did not answer the last time, through no "
    "fault of this node.",
    "detail": "Free text about one failure, for people. It may come from the peer.",
    "diagnosis": "The findings of one moment, the worst first, and the status that they lead to.",
    "dial": "One try to reach a peer. Each dial ends exactly once: it succeeds, fails or is cancelled.",
    "dial-back": "A dial that a peer makes because this node asked for it, or the other way round. It shows whether "
    "others can dial the node that asked.",
    "direction": "Who dialed a session.",
    "doctor": "The part of nocarrier that looks at the recorded dials and finds causes.",
    "event": "One entry of the record: a dial that began, ended or was skipped, or a session that was lost early.",
    "evidence": "What is known about a failure, such as the errno, or the router that refused. What is not known is "
    "left out.",
    "explains": "A finding explains another cause if its evidence accounts for that cause's evidence too. The other "
    "cause is then not listed.",
    "failure": "A dial that did not become a session, with its reason.",
    "finding": "A cause that is active now, with its evidence and what to do about it.",
    "gap": "Events that a reader of the live stream has missed. The stream says how many.",
    "genesis": "64 hex digits that name the chain or the deployment. Two nodes connect only if they have the same.",
    "history": "Events and findings kept on disk, so that they survive a restart.",
    "hop": "A router between this machine and a peer, counted from here.",
    "in flight": "Said of dials that have begun and not ended yet.",
    "introducer": "A peer that told this node an address. Each address names its introducer as via.",
    "introduced": "How many addresses a source or a peer has told this node.",
    "IPv4-only mode": "The node never dials IPv6 addresses. It is on unless ipv4_only = false is set under [node].",
    "kind": "What an event says about a dial.",
    "LAN mode": "The node may dial private and loopback addresses: lan_mode = true under [node].",
    "live stream": "Dials, findings and status, sent by a node as they happen. nocarrier top and the page read it.",
    "loop lag": "How late the event loop of this program was. A late loop makes peers look slow.",
    "maintainer": "The part of a node that dials peers until it has as many as target_peers says.",
    "masked": "Replaced by a placeholder, always the same one for the same address, name or identity, so that the text "
    "can be shared.",
    "mesh": "The sessions between nodes, and who told whom about which address.",
    "netgroup": "A network whose addresses count as one, because they often belong to one operator: by default an IPv4 "
    "/16 or an IPv6 /32.",
    "network": "The name of the peer-to-peer network. Two nodes connect only if they have the same.",
    "node": "A program that takes part in a peer-to-peer network. A nocarrier node is one started with nocarrier run.",
    "node id": "The identity of a node: its Ed25519 public key, as 64 hex digits.",
    "offline": "This machine has no usable network, as far as the evidence shows.",
    "outcome": "How a dial ended, or that it has begun.",
    "peer": "Another node or program in the network, named by host:port.",
    "peer book": "The addresses that a node knows, with what it knows of each. It is kept on disk.",
    "phase": "The step that a dial had reached.",
    "policy": "The rules that decide whether an address may be dialed now, such as LAN mode, bans and backoff.",
    "probe": "An active test that the doctor makes for a finding, such as a traceroute. A probe is not a dial and is "
    "not recorded as one.",
    "propagation": "How addresses reached this node, and how many of them turned out to work.",
    "protocol": "How nodes talk to each other. Each node accepts a range of versions of it, and two nodes connect only "
    "if their ranges overlap.",
    "published address": "The host:port that a node tells its peers to dial. The node takes it from advertise under "
    "[node], or learns it from its peers.",
    "reachability": "Whether others can dial this node.",
    "reason": "What was seen when one dial did not become a session, such as connection_refused.",
    "record": "The newest failures and skips, kept in memory, and counts of all of them.",
    "refusal": "Something that a node did not take in or did not keep, to protect itself.",
    "repeats": "How often the same skip was seen. A skip that recurs is one entry with a count.",
    "retry": "When another dial makes sense after a failure for this reason.",
    "round trip": "How long a peer takes to answer a ping.",
    "run": "One run of a program, from start to end. It has a random id; run and seq together name an event forever.",
    "sample": "One of the last few failures of a reason and source. Samples are kept even if another reason fills the "
    "record.",
    "seq": "The number of an event within a run, in the order of recording.",
    "session": "A connection whose handshake is complete.",
    "session end": "Why a session ended. This node or the peer states it when it ends the session.",
    "severity": "How much a finding matters.",
    "slot": "A place for a session or for a dial in flight: max_peers and max_dials_in_flight under [node].",
    "source": "Who gave this node an address.",
    "state": "How promising a peer in the peer book is.",
    "status": "What a diagnosis comes to.",
    "streak": "How many dials to a peer have failed in a row through no fault of this node.",
    "target peers": "How many peers a node tries to stay connected to: target_peers under [node].",
    "throttled": "Said of a peer: too many of the addresses that it told were dead, so the node takes in new ones from "
    "it only slowly.",
    "ticket": "A signed text that admits one node to a private network until it expires.",
    "via": "Which peer told this node an address.",
}
"""Every word that belongs to no set, and what each set is."""


_Words = TypeVar("_Words", bound=StrEnum)


def _defined(words: Iterable[DefinedWord]) -> Mapping[str, str]:
    return {word.value: word.meaning for word in words}


def _told(table: Mapping[_Words, str]) -> Mapping[str, str]:
    return {word.value: meaning for word, meaning in table.items()}


SETS: tuple[WordSet, ...] = (
    WordSet(name="phase", role="a phase", meanings=_defined(Phase)),
    WordSet(name="kind", role="a kind of event", meanings={kind.value: kind.meaning for kind in Kind}),
    WordSet(name="outcome", role="an outcome", meanings={kind.outcome.value: kind.meaning for kind in Kind}),
    WordSet(name="outcome", role="an outcome of a dial by hand", meanings=_defined(DialOutcome)),
    WordSet(name="blame", role="a value of blame", meanings=_defined(Blame)),
    WordSet(
        name="retry", role="a value of retry", meanings=_defined(each for each in Retry if each != Retry.NOT_APPLICABLE)
    ),
    WordSet(name="source", role="a source", meanings=_defined(Source)),
    WordSet(name="severity", role="a severity", meanings=_defined(Severity)),
    WordSet(name="status", role="a status", meanings=_defined(HealthStatus)),
    WordSet(name="state", role="a state of a peer", meanings=_defined(BookState)),
    WordSet(name="direction", role="a direction", meanings=_defined(Direction)),
    WordSet(name="reachability", role="a value of reachability", meanings=_told(REACHABILITY)),
    WordSet(name="refusal", role="a refusal", meanings=_told(REFUSALS)),
    WordSet(
        name="session end",
        role="why a session ended",
        meanings={code.value: facts.meaning for code, facts in SESSION_ENDS.items()},
    ),
    WordSet(name="applies to", role="a kind of program", meanings=_defined(ProgramKind)),
    WordSet(role="a state of the history", meanings=_defined(HistoryState)),
    WordSet(role="why the history lacks an event", meanings=_defined(MissingBecause)),
    WordSet(role="how a finding ended", meanings=_told(ENDED_BY)),
    WordSet(role="an answer to a probe", meanings=_defined(Answer)),
    WordSet(role="a count of dial-backs", meanings=_told(DIAL_BACKS)),
    WordSet(name="evidence", role=EVIDENCE_ROLE, meanings={row.key: row.meaning for row in EVIDENCE_KEYS}),
)
"""Every closed set whose words are shown, in the order in which a word of several sets is explained."""


def key_of(text: str) -> str:
    """What `text` is looked up by: "peer book", "peer-book" and "Peer_Book" are one word."""
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


def _made() -> Iterator[Entry]:
    spelled: dict[str, str] = {}
    senses: dict[str, list[Sense]] = {}
    for word, meaning in TERMS.items():
        spelled[key_of(word)] = word
        members = dict.fromkeys(member for each in SETS if each.name == word for member in each.meanings)
        senses[key_of(word)] = [Sense(meaning=meaning, members=tuple(members))]
    for each in SETS:
        for word, meaning in each.meanings.items():
            spelled.setdefault(key_of(word), word)
            _add(senses.setdefault(key_of(word), []), Sense(role=each.role, meaning=_sentence(meaning)))
    for key in sorted(senses):
        yield Entry(word=spelled[key], senses=tuple(senses[key]))


def _add(senses: list[Sense], sense: Sense) -> None:
    """Add `sense`; two sets that mean the same by a word are one sense."""
    for place, known in enumerate(senses):
        if known.role and known.meaning == sense.meaning:
            senses[place] = replace(known, role=f"{known.role} and {sense.role}")
            return
    senses.append(sense)


def _sentence(meaning: str) -> str:
    """Some tables have clauses, which are parts of sentences elsewhere."""
    return meaning if meaning.endswith(".") else f"{meaning[0].upper()}{meaning[1:]}."


GLOSSARY: Mapping[str, Entry] = MappingProxyType({key_of(entry.word): entry for entry in _made()})
"""Every word by its key, in alphabetical order."""
