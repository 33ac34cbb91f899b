"""Something on the path answers in place of the peers."""

from __future__ import annotations

from typing import NamedTuple

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, netgroups
from nocarrier.model.action import Action
from nocarrier.model.address import Address
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Phase, Reason
from nocarrier.model.wording.text import Text, address, quoted, say

UNRELATED = 2
"""How many netgroups must give the same foreign answer."""

_AT_HOME = frozenset({22, 80, 443, 7070, 8080})
"""The ports of SSH and web servers (IANA), and the usual HTTP port of a nocarrier node. The same answer on these ports
comes from wrong ports in a list, not from the path."""

SAME_BYTES = 12
"""How many hex digits of the first bytes must agree if the protocol is unknown: six bytes hardly agree by chance."""


class _Signature(NamedTuple):
    """What answered. Answers of the same kind are equal."""

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
    # A reset recorded without a phase came in the handshake: a connection that is refused is not a reset.
    if peer.reason is Reason.CONNECTION_RESET and (peer.phase is Phase.HANDSHAKE or not peer.is_phase_told):
        return _Signature("a reset after the hello was sent")
    return None


_SUMMARY = (
    "Something on the path answers in place of {count} {count:peer|peers} in {networks} unrelated "
    "{networks:network|networks}, each time with {answer}; no dial gets through."
)


def _rule(facts: Facts) -> Case | None:
    for signature, peers in _by_signature(facts).items():
        worked = [peer for peer in peers if peer.worked_unix is not None]
        # A box that intercepts new connections only lets sessions live. Then peers that used to answer properly decide.
        is_everybody = not facts.has_living_session or len(netgroups(worked)) >= UNRELATED
        if len(netgroups(peers)) >= UNRELATED and is_everybody:
            return _case(signature, peers, worked)
    return None


def _by_signature(facts: Facts) -> dict[_Signature, list[FailingPeer]]:
    succeeded_unix = facts.succeeded_unix or 0.0
    by_signature: dict[_Signature, list[FailingPeer]] = {}
    for peer in facts.failing_with(Reason.NOT_OUR_PROTOCOL, Reason.CONNECTION_RESET):
        signature = _signature(peer)
        # If a dial has worked since this peer answered, then nothing on the path blocks every dial.
        if signature is not None and peer.began_unix > succeeded_unix and _port(peer) not in _AT_HOME:
            by_signature.setdefault(signature, []).append(peer)
    return by_signature


def _case(signature: _Signature, peers: list[FailingPeer], worked: list[FailingPeer]) -> Case:
    evidence = [
        evidence_of(
            "{count:peer|peers} in unrelated networks gave the same answer: {answer}", peers, answer=signature.text
        )
    ]
    if worked:
        evidence.append(evidence_of("of these peers worked before", worked))
    return Case(
        summary=say(_SUMMARY, count=len(peers), networks=len(netgroups(peers)), answer=signature.text),
        title=title_about("Something on the path answers in place of {they}", (peer.addr for peer in peers)),
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
    title="Something on the path answers in place of the peers",
    severity=Severity.WARNING,
    blame=Blame.PATH,
    evidence_rule="Peers in unrelated netgroups all answer with the same foreign protocol, or with a reset right after the "
    "hello, and no dial and no session has got through since.",
    next_actions=(
        Action(
            text="Look for a captive portal: see what answers at {addr}, and log in if it asks you to.",
            command="curl -si http://{addr}/ --max-time 10",
        ),
        Action(
            text="Look for a proxy or firewall in this network that intercepts TCP, and ask the operator of the network to "
            "let the P2P ports through."
        ),
        Action(
            text="See how near it is: an answer from one or two hops away is not the peer's.",
            command="nocarrier doctor --probe --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.AT_PATH,
    depends_on=("offline", "outbound_blocked", "dns_filtered", "foreign_network"),
)
