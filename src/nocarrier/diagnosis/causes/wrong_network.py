"""We, or they, are on another chain."""

from __future__ import annotations

import re
from collections import Counter

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.numbers import short_id
from nocarrier.model.wording.text import Sayable, address, quoted, say

HALF = 0.5
"""More than this share, and they are the majority."""

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
    # The others must agree among themselves: five peers on five chains say nothing about ours.
    do_agree = agreeing > HALF * len(peers) and agreeing > len(facts.working)
    is_ours = do_agree and facts.share_of_judges(peers) > HALF
    return _we_are(facts, peers, theirs) if is_ours else _they_are(facts, peers)


_THEY = "{count} {count:peer is|peers are} on another chain than we."

_THEY_AND_OTHERS_NOT = (
    "{count} {count:peer is|peers are} on another chain than we and {working} {working:peer|peers} that we reach."
)


def _they_are(facts: Facts, peers: list[FailingPeer]) -> Case:
    working = len(facts.working)
    return Case(
        summary=say(_THEY_AND_OTHERS_NOT if working else _THEY, count=len(peers), working=working),
        confidence=confidence(KERNEL if working else PATTERN, peers),
        evidence=(evidence_of(_STATEMENT, peers),),
        peers=peers,
        blame=Blame.THEM if working else Blame.UNKNOWN,
        severity=Severity.INFO if working else None,
        values={"addr": address(peers[0].addr)},
    )


_WE = "We are on another chain than {count} {count:peer|peers} of those that answered{theirs}{alone}."

_THEIRS = ": theirs is {network}, {genesis}"

_ALONE = ", and nobody is on ours"

_STATEMENT = "their genesis is not ours"


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
            theirs=say(_THEIRS, network=values["network"], genesis=values["short_genesis"]) if theirs else say(""),
            alone=say("" if facts.working else _ALONE),
        ),
        confidence=confidence(KERNEL if len(peers) > 1 else PATTERN, peers),
        evidence=(evidence_of(_STATEMENT, peers),),
        peers=peers,
        blame=Blame.US if len(peers) > 1 else Blame.UNKNOWN,
        values=values,
    )


CAUSE = Cause(
    code="wrong_network",
    title="We, or they, are on another chain",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="genesis_mismatch; the majority of the peers that exchanged Hellos decides who is wrong.",
    next_actions=(
        Action(
            text='Set genesis and network to those of the network that you want; theirs are {short_genesis} and "{network}".',
            settings="[node]\nnetwork = {network}\ngenesis = {genesis}",
            applies_to=NODE,
        ),
        Action(
            text='Set the program to the network that you want; theirs is "{network}", {short_genesis}.',
            applies_to=OTHERS,
        ),
        Action(
            text="See what each of these peers is set to.",
            command="nocarrier failures --reason genesis_mismatch --url {url}",
        ),
        Action(text="If ours is right, remove {addr} from seeds, or tell its operator."),
    ),
    rule=_rule,
    looks=looks.SAID,
)
