"""Peers publish a port that is not their P2P port."""

from __future__ import annotations

from collections.abc import Sequence

from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, NETWORK, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.node_state import PortClaim, PortMistake
from nocarrier.model.taxonomy import Blame, Reason

_MISTAKES = {
    PortMistake.HTTP_PORT: "the port is the peer's HTTP port",
    PortMistake.SOURCE_PORT: "the peer dials from that port, and nobody listens there",
    PortMistake.OTHER_PORT: "the same node was met on another port",
    PortMistake.NOT_REACHED: "the peer is connected with us, and does not answer on the port that it publishes",
}


def _rule(facts: Facts) -> Case | None:
    foreign = facts.failing_with(Reason.NOT_OUR_PROTOCOL)
    claims = facts.node.port_claims if facts.node is not None else ()
    failing = {peer.addr: peer for peer in facts.failing if peer.blame is not Blame.US}
    claimed = [failing[claim.addr] for claim in claims if claim.addr in failing]
    peers = list({peer.addr: peer for peer in (*foreign, *claimed)}.values())
    if not peers and not claims:
        return None
    addrs = {peer.addr for peer in peers} | {claim.addr for claim in claims}
    values: dict[str, object] = {"addr": min(addrs)}
    trues = {claim.addr: claim.true_addr for claim in claims if claim.true_addr}
    for addr, true_addr in trues.items():
        values |= {"wrong": addr, "right": true_addr}
    return Case(
        summary=f"{len(addrs)} published {'address leads' if len(addrs) == 1 else 'addresses lead'}"
        " to another port than the peer's P2P port" + (f" ({_example(foreign)})." if foreign else "."),
        confidence=confidence(KERNEL if trues else NETWORK, peers) if peers else 0.8,
        evidence=tuple(_evidence(foreign, claims)),
        peers=peers,
        addrs=frozenset(addrs),
        severity=_severity(facts, peers),
        values=values,
    )


def _severity(facts: Facts, peers: list[FailingPeer]) -> Severity | None:
    """Only a wrong seed waits for the operator; what else is wrong is corrected, or somebody else's."""
    if any(peer.is_seed for peer in peers) or (peers and facts.is_cut_off is not False):
        return None
    return Severity.INFO


def _example(foreign: list[FailingPeer]) -> str:
    peer = foreign[0]
    return f"on {peer.addr} {peer.evidence.get('speaks') or 'something that is not nocarrier'} answers"


def _evidence(foreign: list[FailingPeer], claims: Sequence[PortClaim]) -> list[EvidenceItem]:
    spoken: dict[str, list[FailingPeer]] = {}
    for peer in foreign:
        spoken.setdefault(str(peer.evidence.get("speaks") or "an unknown protocol"), []).append(peer)
    mistaken: dict[PortMistake, list[str]] = {}
    for claim in claims:
        mistaken.setdefault(claim.mistake, []).append(claim.addr)
    corrected = [claim.addr for claim in claims if claim.corrected]
    return [
        *(evidence_of(f"{name} answers on the P2P port", peers) for name, peers in spoken.items()),
        *(stated(_MISTAKES[mistake], addrs) for mistake, addrs in mistaken.items()),
        *([stated("of these, the peer book has the true address by now", corrected)] if corrected else []),
    ]


CAUSE = Cause(
    code="wrong_port_published",
    title="Peers publish a port that is not their P2P port",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="Another protocol answers on the published port; or a handshake proved the same node on another port; "
    "or the published port is the peer's HTTP port or one that it dials from.",
    next_actions=(
        "Use {right} instead of {wrong}: correct it where it stands in a list of seeds, and tell who runs that peer.",
        "Correct the port of {addr} in seeds, or tell who runs it to publish the P2P port (advertise under [node]); "
        "curl http://{addr}/healthz says whether it is a node's HTTP port.",
    ),
    rule=_rule,
    depends_on=("middlebox",),
)
