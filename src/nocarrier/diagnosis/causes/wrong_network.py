"""This program and its peers are on different chains."""

from __future__ import annotations

import re
from collections import Counter

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about, us
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.numbers import short_id
from nocarrier.model.wording.text import Sayable, address, quoted, say

HALF = 0.5
"""More than this share of the peers is the majority."""

_GENESIS = re.compile(r"[0-9a-f]{64}")

_NETWORK = re.compile(r"[!-~]{1,64}")


def _theirs(peer: FailingPeer) -> tuple[str, str] | None:
    _, theirs = signs.values(peer)
    network, genesis = theirs.get("network"), theirs.get("genesis")
    return (str(network), str(genesis)) if network and genesis else None


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(Reason.GENESIS_MISMATCH)
    if not peers:
        return None
    most = Counter(filter(None, map(_theirs, peers))).most_common(1)
    theirs, agreeing = most[0] if most else (None, len(peers))
    # The others must agree with each other: five peers on five chains say nothing about this side.
    do_agree = agreeing > HALF * len(peers) and agreeing > len(facts.working)
    is_ours = do_agree and facts.share_of_judges(peers) > HALF
    return _we_are(facts, peers, theirs) if is_ours else _they_are(facts, peers)


_THEY = "{count} {count:peer is|peers are} on another chain than {us}."

_THEY_AND_OTHERS_NOT = (
    "{count} {count:peer is|peers are} on another chain than {us} and {working} {working:peer|peers} that it reaches."
)


def _they_are(facts: Facts, peers: list[FailingPeer]) -> Case:
    working = len(facts.working)
    return Case(
        summary=say(_THEY_AND_OTHERS_NOT if working else _THEY, count=len(peers), working=working, **us(facts)),
        title=title_about(
            "{They} {count:is|are} on another chain than {us}", (peer.addr for peer in peers), **us(facts)
        ),
        confidence=confidence(KERNEL if working else PATTERN, peers),
        evidence=(evidence_of(_STATEMENT, peers, **us(facts)),),
        peers=peers,
        blame=Blame.THEM if working else Blame.UNKNOWN,
        severity=Severity.INFO if working else None,
        values={"addr": address(peers[0].addr)},
    )


_WE = "{Us} is on another chain than {count} of the peers that answered{theirs}{alone}."

_THEIRS = ": {count:it is|they are} on {network}, {genesis}"

_ALONE = ", and no peer is on the same one"

_STATEMENT = "{count:peer has|peers have} another genesis than {us}"


def _we_are(facts: Facts, peers: list[FailingPeer], theirs: tuple[str, str] | None) -> Case:
    values: dict[str, Sayable] = {"addr": address(peers[0].addr)}
    if theirs is not None:
        network, genesis = theirs
        values |= {"network": quoted(network), "short_genesis": quoted(short_id(genesis))}
        if _GENESIS.fullmatch(genesis) and _NETWORK.fullmatch(network):
            values["genesis"] = quoted(genesis)
    return Case(
        summary=say(
            _WE,
            count=len(peers),
            theirs=say(_THEIRS, count=len(peers), network=values["network"], genesis=values["short_genesis"])
            if theirs
            else say(""),
            alone=say("" if facts.working else _ALONE),
            **us(facts),
        ),
        title=title_about("{Us} is on another chain than {they}", (peer.addr for peer in peers), **us(facts)),
        confidence=confidence(KERNEL if len(peers) > 1 else PATTERN, peers),
        evidence=(evidence_of(_STATEMENT, peers, **us(facts)),),
        peers=peers,
        blame=Blame.US if len(peers) > 1 else Blame.UNKNOWN,
        values=values,
    )


CAUSE = Cause(
    code="wrong_network",
    title="This program and its peers are on different chains",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="genesis_mismatch. The majority of the peers that answered a hello decides which side is wrong.",
    next_actions=(
        Action(
            text='Set genesis and network to those of the network that you want; the peers have {short_genesis} and "{network}".',
            settings="[node]\nnetwork = {network}\ngenesis = {genesis}",
            applies_to=NODE,
        ),
        Action(
            text='Set the program to the network that you want; the peers have "{network}", {short_genesis}.',
            applies_to=OTHERS,
        ),
        Action(
            text="See which network each of these peers is on.",
            command="nocarrier failures --reason genesis_mismatch --url {url}",
        ),
        Action(text="If this side is right, remove {addr} from seeds, or tell its operator."),
    ),
    rule=_rule,
    looks=looks.SAID,
)
