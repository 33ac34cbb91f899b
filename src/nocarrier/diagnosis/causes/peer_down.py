"""Peers are off or not listening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Text, address, say

_SAYS = {
    "refused": "{count:peer refuses|peers refuse} the connection: nothing listens on that port",
    "absent": "{count:peer is|peers are} not there: the last router finds no such machine on its link",
    "silent": "{count:peer gives|peers give} no answer at all: switched off, or something drops the packets",
}

_TITLE = {
    "refused": "{They} {count:refuses|refuse} connections",
    "absent": "{They} {count:does|do} not answer",
    "silent": "{They} {count:does|do} not answer",
}


def _by_sign(facts: Facts) -> dict[str, list[FailingPeer]]:
    """The peers that show signs of being down, by sign."""
    absent = [peer for peer in facts.failing if peer.has_no_host and peer.reason is not Reason.CONNECTION_REFUSED]
    candidates = {
        "refused": facts.failing_with(Reason.CONNECTION_REFUSED),
        "absent": absent,
        "silent": [peer for peer in facts.silent if not peer.has_no_host],
    }
    by_sign = {
        sign: [peer for peer in peers if peer.blame is not Blame.US and not peer.is_local]
        for sign, peers in candidates.items()
    }
    return {sign: peers for sign, peers in by_sign.items() if peers}


def _rule(facts: Facts) -> Case | None:
    by_sign = _by_sign(facts)
    peers = [peer for each in by_sign.values() for peer in each]
    if not peers:
        return None
    return Case(
        summary=say(
            "{count} {count:peer is|peers are} off or not listening: {addrs}.",
            count=len(peers),
            addrs=addresses(peers),
        ),
        title=_title(by_sign),
        confidence=confidence(NETWORK if "silent" not in by_sign else PATTERN, peers),
        evidence=tuple(evidence_of(_SAYS[sign], each) for sign, each in by_sign.items()),
        peers=peers,
        values={sign: address(each[0].addr) for sign, each in by_sign.items()},
    )


def _title(by_sign: Mapping[str, Sequence[FailingPeer]]) -> Text:
    templates = {_TITLE[sign] for sign in by_sign}
    template = templates.pop() if len(templates) == 1 else "{They} {count:is|are} off or not listening"
    return title_about(template, (peer.addr for each in by_sign.values() for peer in each))


CAUSE = Cause(
    code="peer_down",
    title="Peers are off or not listening",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="The port answers with a reset, a router finds no such host, or nothing answers, while other peers are reached.",
    next_actions=(
        Action(
            text="The machine of {refused} answers, but nothing listens on that port: check that the program runs there, and "
            "that the port is right."
        ),
        Action(text="Check that the machine of {absent} is switched on: the last router does not find it on its link."),
        Action(
            text="See whether {silent} is off or behind a firewall: run the probes.",
            command="nocarrier doctor --probe --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH_AND_HOST,
    depends_on=(
        "offline",
        "outbound_blocked",
        "local_exhaustion",
        "dns_filtered",
        "local_overload",
        "seeds_down",
        "stale_source",
        "partition",
        "peer_firewalled",
        "wrong_port_published",
        "ipv6_broken",
    ),
)
