"""Something on the path answers for everyone."""

from __future__ import annotations

from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of
from nocarrier.diagnosis.confidence import PATTERN, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer, netgroups
from nocarrier.model.address import Address
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Phase, Reason

UNRELATED = 2
"""Netgroups that give the same foreign answer."""

_AT_HOME = frozenset({22, 80, 443, 7070, 8080})
"""Where SSH and web servers are at home (IANA), and where nodes of ours serve HTTP unless told otherwise: the same answer
there is a list of wrong ports."""

SAME_BYTES = 12
"""Hex digits of the first bytes that must agree where the protocol has no name: six bytes hardly agree by chance."""


def _signature(peer: FailingPeer) -> str | None:
    """What answered; equal for answers of one kind."""
    if peer.reason is Reason.NOT_OUR_PROTOCOL:
        speaks, first_bytes = peer.evidence.get("speaks"), peer.evidence.get("first_bytes")
        return str(speaks) if speaks else f"bytes {str(first_bytes)[:SAME_BYTES]}" if first_bytes else None
    # Whoever records a reset without a phase means the peer's hello or ours: a connection that is refused is no reset.
    if peer.reason is Reason.CONNECTION_RESET and (peer.phase is Phase.HANDSHAKE or not peer.is_phase_told):
        return "a reset after our hello"
    return None


def _rule(facts: Facts) -> Case | None:
    succeeded_unix = facts.succeeded_unix or 0.0
    by_signature: dict[str, list[FailingPeer]] = {}
    for peer in facts.failing_with(Reason.NOT_OUR_PROTOCOL, Reason.CONNECTION_RESET):
        signature = _signature(peer)
        # Who answered before somebody got through is not answered for by a box that lets nobody through.
        if signature is not None and peer.began_unix > succeeded_unix and _port(peer) not in _AT_HOME:
            by_signature.setdefault(signature, []).append(peer)
    for signature, peers in by_signature.items():
        worked = [peer for peer in peers if peer.worked_unix is not None]
        # Sessions may outlive a box that looks at new connections only; then peers that were others before tell.
        is_everybody = not facts.has_living_session or len(netgroups(worked)) >= UNRELATED
        if len(netgroups(peers)) >= UNRELATED and is_everybody:
            evidence = [evidence_of(f"the same answer from unrelated networks: {signature}", peers)]
            if worked:
                evidence.append(evidence_of("of these, peers that worked before", worked))
            return Case(
                summary=f"Something on the path answers for {count_of(len(peers), 'peer')} in "
                f"{count_of(len(netgroups(peers)), 'unrelated network')} with {signature}; nobody gets through.",
                confidence=confidence(PATTERN, peers, is_guessed=any(map(_is_guessed, peers))),
                evidence=tuple(evidence),
                peers=peers,
                values={"addr": peers[0].addr, "host": peers[0].host},
            )
    return None


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
        "Look for a captive portal: open http://{addr}/ in a browser, or curl -si http://{addr}/ | head, and log in where "
        "it asks for it.",
        "Look for a proxy or firewall that intercepts TCP here; ask who runs the network to let the P2P ports pass.",
        "See how near it is: nocarrier doctor --probe; an answer after one or two hops is not the peer's.",
    ),
    rule=_rule,
    depends_on=("offline", "outbound_blocked"),
)
