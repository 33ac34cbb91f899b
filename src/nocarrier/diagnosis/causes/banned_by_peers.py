"""Several peers ban this program."""

from __future__ import annotations

import math

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, title_about, us
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, address, identity, say

PEERS = 2
"""How many peers must ban this program: a single ban may be the choice of one operator."""


def _until_unix(peer: FailingPeer) -> float | None:
    until: object = peer.evidence.get("until_unix")
    return until if isinstance(until, int | float) and math.isfinite(until) else None


_BAN = "{count} {count:peer bans|peers ban} {us} ({addrs})."

_BAN_UNTIL = "{count} {count:peer bans|peers ban} {us} ({addrs}); the first ban ends in {minutes} min."


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.BANNED) if not signs.is_stated_by_us(peer)]
    if len(peers) < PEERS:
        return None
    untils = [until for peer in peers if (until := _until_unix(peer)) is not None and until > facts.now_unix]
    values: dict[str, Sayable] = {"addr": address(peers[0].addr)}
    if facts.node is not None:
        values["node_id"] = identity(facts.node.info.node_id)
    if untils:
        values["minutes"] = max(1, round((min(untils) - facts.now_unix) / 60))
    whom = us(facts)
    return Case(
        summary=say(_BAN_UNTIL if untils else _BAN, count=len(peers), addrs=addresses(peers), **whom, **values),
        title=title_about("{They} {count:bans|ban} {us}", (peer.addr for peer in peers), **whom),
        confidence=confidence(KERNEL, peers),
        evidence=(evidence_of("{count:peer says|peers say} that {us} is banned", peers, **whom),),
        peers=peers,
        values=values,
    )


CAUSE = Cause(
    code="banned_by_peers",
    title="Several peers ban this program",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Two or more distinct peers answer that this program is banned.",
    next_actions=(
        Action(
            text="Ask the operator of {addr} why: the log there says what this node did wrong. The id of this node is {node_id}.",
            applies_to=NODE,
        ),
        Action(
            text="Ask the operator of {addr} why: the log there says what this program did wrong.",
            applies_to=OTHERS,
        ),
        Action(text="See what the peers said.", command="nocarrier failures --reason banned --url {url}"),
        Action(text="Update this program, and look in its log for violations of the protocol, before the ban ends."),
        Action(
            text="Or wait: the first ban ends in {minutes} min, and then the node dials again by itself.",
            applies_to=NODE,
        ),
    ),
    rule=_rule,
    looks=looks.SAID,
)
