"""Something on the path answers for everyone."""

from __future__ import annotations

from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import Action
from nocarrier.model.address import Address
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.model.wording.text import Text, address, quoted, say

UNRELATED = 2
"""Netgroups that give the same foreign answer."""

_AT_HOME = frozenset({22, 80, 443, 7070, 8080})
"""Where SSH and web servers are at home (IANA), and where nocarrier nodes serve HTTP unless told otherwise: the same answer
there is a list of wrong ports."""

SAME_BYTES = 12
"""Hex digits of the first bytes that must agree where the protocol has no name: six bytes hardly agree by chance."""


class _Signature(NamedTuple):
    """What answered; equal for answers of one kind."""

    template: str
    said: str = ""

    @property
    def text(self) -> Text:
        """As a part of a sentence."""
        return say(self.template, said=quoted(self.said))


def _signature(peer: FailingPeer) -> _Signature | None:
    if peer.reason is Reason.NOT_OUR_PROTOCOL:
        speaks, first_bytes = peer.evidence.get("speaks"), peer.evidence.get("first_bytes")
        if speaks:
            return _Signature("{said}", str(speaks))
        return _Signature("bytes {said}", str(first_bytes)[:SAME_BYTES]) if first_bytes else None
    # Whoever records a reset without a phase means the peer's hello or ours: a connection that is refused is no reset.
    if peer.reason is Reason.CONNECTION_RESET and (peer.phase is Phase.HANDSHAKE or not peer.is_phase_told):
        return _Signature("a reset after our hello")
    return None


_SUMMARY = (
    "Something on the path answers for {count} {count:peer|peers} in {networks} unrelated {networks:network|networks} with "
    "{answer}; nobody gets through."
)


def _rule(facts: Facts) -> Case | None:
    for signature, peers in _by_signature(facts).items():
        worked = [peer for peer in peers if peer.worked_unix is not None]
        # Sessions may outlive a box that looks at new connections only; then peers that were others before tell.
        is_everybody = not facts.has_living_session or len(netgroups(worked)) >= UNRELATED
        if len(netgroups(peers)) >= UNRELATED and is_everybody:
            return _case(signature, peers, worked)
    return None


def _by_signature(facts: Facts) -> dict[_Signature, list[FailingPeer]]:
    succeeded_unix = facts.succeeded_unix or 0.0
    by_signature: dict[_Signature, list[FailingPeer]] = {}
    for peer in facts.failing_with(Reason.NOT_OUR_PROTOCOL, Reason.CONNECTION_RESET):
        signature = _signature(peer)
        # A peer that answered before somebody got through has no box before it that lets nobody through.
        if signature is not None and peer.began_unix > succeeded_unix and _port(peer) not in _AT_HOME:
            by_signature.setdefault(signature, []).append(peer)
    return by_signature


def _case(signature: _Signature, peers: list[FailingPeer], worked: list[FailingPeer]) -> Case:
    evidence = [evidence_of("the same answer from unrelated networks: {answer}", peers, answer=signature.text)]
    if worked:
        evidence.append(evidence_of("of these worked before", worked))
    return Case(
        summary=say(_SUMMARY, count=len(peers), networks=len(netgroups(peers)), answer=signature.text),
        confidence=confidence(PATTERN, peers, is_guessed=any(map(_is_guessed, peers))),
        evidence=tuple(evidence),
        peers=peers,
        values={"addr": address(peers[0].addr)},
    )


def _is_guessed(peer: FailingPeer) -> bool:
    return peer.took_s is None or (peer.reason is Reason.CONNECTION_RESET and not peer.is_phase_told)


def _port(peer: FailingPeer) -> int:
    return Address.parse(peer.addr, default_port=1).port if peer.netgroup != peer.addr else 0


CAUSE = Cause(
    code="middlebox",
    title="Something on the path answers for everyone",
    severity=Severity.WARNING,
    blame=Blame.PATH,
    evidence_rule="The same foreign protocol, or an immediate reset after our hello, from unrelated netgroups, and no dial "
    "and no session gets through since.",
    next_actions=(
        Action(
            text="Look for a captive portal: see what answers at {addr}, and log in where it asks you to.",
            command="curl -si http://{addr}/ --max-time 10",
        ),
        Action(
            text="Look for a proxy or firewall that intercepts TCP here, and ask the operator of this network to let the P2P "
            "ports through."
        ),
        Action(
            text="See how near it is: an answer after one or two hops is not the peer's.",
            command="nocarrier doctor --probe --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH,
    depends_on=("offline", "outbound_blocked"),
)
