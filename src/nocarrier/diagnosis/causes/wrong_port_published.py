"""Peers publish a port that is not their P2P port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated, title_about
from nocarrier.diagnosis.confidence import KERNEL, NETWORK, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.node.state import PortClaim, PortMistake
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Sayable, Text, Value, address, quoted, say, word

_MISTAKES = {
    PortMistake.HTTP_PORT: "published {count:port is an HTTP port|ports are HTTP ports}",
    PortMistake.SOURCE_PORT: "published {count:port is one that the peer dials|ports are ones that the peers dial} from",
    PortMistake.OTHER_PORT: "{count:node was|nodes were} found on another port than the published one",
    PortMistake.NOT_REACHED: "connected {count:peer does|peers do} not answer on the published port",
}


_SUMMARY = "{count} published {count:address does|addresses do} not lead to the P2P port of the peer{example}."

_EXAMPLE = " ({speaks} answers on {addr})"


def _rule(facts: Facts) -> Case | None:
    foreign = facts.failing_with(Reason.NOT_OUR_PROTOCOL)
    claims = facts.node.port_claims if facts.node is not None else ()
    claimed = {claim.addr for claim in claims}
    failing = [peer for peer in facts.failing if peer.addr in claimed and peer.blame is not Blame.US]
    peers = list({peer.addr: peer for peer in (*foreign, *failing)}.values())
    if not peers and not claims:
        return None
    addrs = claimed.union(peer.addr for peer in peers)
    trues = {claim.addr: claim.true_addr for claim in claims if claim.true_addr}
    return Case(
        summary=say(_SUMMARY, count=len(addrs), example=_example(foreign[0]) if foreign else say("")),
        title=title_about("{They} {count:is|are} listed with the wrong port", addrs),
        confidence=confidence(KERNEL if trues else NETWORK, peers) if peers else 0.8,
        evidence=tuple(_evidence(foreign, claims)),
        peers=peers,
        addrs=frozenset(addrs),
        severity=_severity(facts, peers),
        values={"addr": address(min(addrs)), **_correction(trues)},
    )


def _correction(trues: Mapping[str, str]) -> dict[str, Sayable]:
    """The published and the true address of one peer, if a true one is known."""
    return {name: address(addr) for pair in trues.items() for name, addr in zip(("wrong", "right"), pair, strict=True)}


def _severity(facts: Facts, peers: list[FailingPeer]) -> Severity | None:
    """Only a wrong seed needs the operator of this program; nocarrier or somebody else corrects the rest."""
    if any(peer.is_seed for peer in peers) or (peers and facts.is_cut_off is not False):
        return None
    return Severity.INFO


def _example(peer: FailingPeer) -> Text:
    return say(_EXAMPLE, addr=address(peer.addr), speaks=_spoken(peer) or word("something that is not nocarrier"))


def _spoken(peer: FailingPeer) -> Value | None:
    speaks = peer.evidence.get("speaks")
    return quoted(str(speaks)) if speaks else None


def _evidence(foreign: list[FailingPeer], claims: Sequence[PortClaim]) -> Iterator[EvidenceItem]:
    spoken: dict[Value, list[FailingPeer]] = {}
    for peer in foreign:
        spoken.setdefault(_spoken(peer) or word("an unknown protocol"), []).append(peer)
    for protocol, peers in spoken.items():
        yield evidence_of("published {count:port|ports} answered with {protocol}", peers, protocol=protocol)
    mistaken: dict[PortMistake, list[str]] = {}
    for claim in claims:
        mistaken.setdefault(claim.mistake, []).append(claim.addr)
    for mistake, addrs in mistaken.items():
        yield stated(_MISTAKES[mistake], addrs)
    corrected = [claim.addr for claim in claims if claim.corrected]
    if corrected:
        yield stated("of these {count:addresses is|addresses are} corrected in the peer book", corrected)


CAUSE = Cause(
    code="wrong_port_published",
    title="Peers publish a port that is not their P2P port",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="Another protocol answers on the published port; or a handshake proved that the same node is on another port; "
    "or the published port is the peer's HTTP port or one that it dials from.",
    next_actions=(
        Action(
            text="Use {right} instead of {wrong}: correct it in every seed list that has it, and tell the operator of that peer."
        ),
        Action(
            text="Correct the port of {addr} in seeds, or ask its operator to publish the P2P port (advertise under [node])."
        ),
        Action(text="See whether it is the HTTP port of a node.", command="curl -s http://{addr}/healthz"),
    ),
    rule=_rule,
    looks=looks.AT_HOST,
    depends_on=("middlebox",),
)
