"""We, or they, are on another chain."""

from __future__ import annotations

from collections import Counter

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

HALF = 0.5
"""More than this share, and they are the majority."""

SHOWN_DIGITS = 12
"""Of a genesis: enough to see that two differ."""


def _theirs(peer: FailingPeer) -> tuple[str, str] | None:
    _, theirs = signs.values(peer)
    network, genesis = theirs.get("network"), theirs.get("genesis")
    return (str(network), str(genesis)) if network and genesis else None


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(Reason.GENESIS_MISMATCH)
    if not peers:
        return None
    most = Counter(filter(None, map(_theirs, peers))).most_common(1)
    [(network, genesis), agreeing] = most[0] if most else (("", ""), 0)
    agreeing = agreeing or len(peers)
    # The others must agree among themselves: five peers on five chains say nothing about ours.
    do_agree = agreeing > HALF * len(peers) and agreeing > len(facts.working)
    is_ours = do_agree and facts.share_of_judges(peers) > HALF
    values: dict[str, object] = {"addr": peers[0].addr}
    if not is_ours:
        return Case(
            summary=f"{count_of(len(peers), 'peer')} {'is' if len(peers) == 1 else 'are'} on another chain than we"
            + (f" and {count_of(len(facts.working), 'peer')} that we reach." if facts.working else "."),
            confidence=confidence(KERNEL if facts.working else PATTERN, peers),
            evidence=(evidence_of("their genesis is not ours", peers),),
            peers=peers,
            blame=Blame.THEM if facts.working else Blame.UNKNOWN,
            severity=Severity.INFO if facts.working else None,
            values=values,
        )
    if genesis:
        values |= {"genesis": genesis[:SHOWN_DIGITS], "network": network}
    return Case(
        summary=f"We are on another chain than {count_of(len(peers), 'peer')} of those that answered"
        + (f": theirs is {network}, {genesis[:SHOWN_DIGITS]}…" if genesis else "")
        + (".", ", and nobody is on ours.")[not facts.working],
        confidence=confidence(KERNEL if len(peers) > 1 else PATTERN, peers),
        evidence=(evidence_of("their genesis is not ours", peers),),
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
        'Set genesis and network under [node] to those of the network you want; theirs are {genesis}… and "{network}".',
        "See what a peer is set to: nocarrier diff http://127.0.0.1:7070 http://PEER:7070",
        "If ours is right, take {addr} out of seeds, or tell who runs it.",
    ),
    rule=_rule,
)
