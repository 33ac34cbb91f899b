"""Peers are alive and belong to another P2P network: their addresses are not of this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nocarrier.classification import signs
from nocarrier.classification.usual_ports import P2PProtocol, spoken_as, usual_on
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, title_about
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer, WorkingPeer, netgroups
from nocarrier.errors import AddressError
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.address import Address
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Phase, Reason, Source
from nocarrier.model.wording.text import Sayable, address, say, word

UNRELATED = 2
"""How many netgroups must have such peers: a single one may have published a wrong port."""

MUTE_AT_MOST = 0.8
"""How sure the cause can be if the peers only hang up or stay silent, and the port alone tells what they are."""

_MUTE = signs.HUNG_UP | {Reason.HANDSHAKE_TIMEOUT}
"""What a peer does with a hello of a protocol that it does not speak."""

_OPERATOR = frozenset({Source.SEED, Source.DIRECT})


class _Foreign(NamedTuple):
    """Live peers of one other protocol."""

    speaking: list[FailingPeer]
    """Their first bytes say so."""
    mute: list[FailingPeer]
    """They accept connections on its usual port, and end them or say nothing."""

    @property
    def peers(self) -> list[FailingPeer]:
        return [*self.speaking, *self.mute]

    @property
    def are_chosen(self) -> bool:
        """Whether the operator has named some of them."""
        return any(peer.is_seed or peer.source in _OPERATOR for peer in self.peers)


def _port(peer: FailingPeer | WorkingPeer) -> int:
    """The port of `peer`; 0 if its address cannot be parsed or has none."""
    try:
        return Address.parse(peer.addr).port
    except AddressError:
        return 0


def _is_mute(peer: FailingPeer) -> bool:
    """Whether the connection opened, and the peer gave no answer to our hello."""
    is_open = peer.phase in {Phase.SECURE, Phase.HANDSHAKE}
    is_the_path = "large_segments_lost" in peer.evidence or peer.blame in {Blame.US, Blame.PATH}
    is_gone = bool(peer.evidence.get("unacknowledged"))  # not even its kernel has our hello
    return is_open and peer.reason in _MUTE and not (is_the_path or is_gone or peer.evidence.get("bytes_received"))


def _by_protocol(facts: Facts) -> dict[P2PProtocol, _Foreign]:
    found: dict[P2PProtocol, _Foreign] = {}
    for peer in facts.failing_with(Reason.NOT_OUR_PROTOCOL):
        # A portal or a proxy answers in the protocols of the web. None speaks that of a P2P network.
        if (protocol := spoken_as(peer.evidence.get("speaks"))) is not None:
            found.setdefault(protocol, _Foreign([], [])).speaking.append(peer)
    for protocol, peer in _mute(facts):
        found.setdefault(protocol, _Foreign([], [])).mute.append(peer)
    return found


def _mute(facts: Facts) -> Iterator[tuple[P2PProtocol, FailingPeer]]:
    """Peers that say nothing, on ports that are usual in a network that is not ours."""
    if facts.node is None:
        return  # the protocol of the program is not known, and may be the very one that is usual there
    ours = _our_ports(facts) | {facts.node.info.p2p_port}
    mute = [(None if (port := _port(peer)) in ours else usual_on(port), peer) for peer in _mute_peers(facts)]
    # If peers of our own network are reset too, something on the path may reset all alike.
    resets_ours = any(protocol is None and peer.reason is Reason.CONNECTION_RESET for protocol, peer in mute)
    for protocol, peer in mute:
        if protocol is not None and not (resets_ours and peer.reason is Reason.CONNECTION_RESET):
            yield protocol, peer


def _mute_peers(facts: Facts) -> list[FailingPeer]:
    return [peer for peer in facts.failing_with(*_MUTE) if _is_mute(peer)]


def _our_ports(facts: Facts) -> set[int]:
    """Ports on which peers of our own network have been met."""
    return {_port(peer) for peer in facts.working} | {
        _port(peer) for peer in facts.all_failing if peer.worked_unix is not None
    }


def _together(found: Iterable[_Foreign]) -> _Foreign:
    those = list(found)
    return _Foreign([peer for each in those for peer in each.speaking], [peer for each in those for peer in each.mute])


def _rule(facts: Facts) -> Case | None:
    by_protocol = _by_protocol(facts).items()
    found = {protocol: each for protocol, each in by_protocol if len(netgroups(each.peers)) >= UNRELATED}
    if not found:
        return None
    protocol, most = max(found.items(), key=lambda item: len(item[1].peers))
    all_found = _together(found.values())
    peers, are_chosen = all_found.peers, all_found.are_chosen
    numbers: dict[str, Sayable] = {"protocol": word(protocol.name), "networks": len(found)}
    is_one = len(found) == 1
    return Case(
        summary=say(_SUMMARY if is_one else _SUMMARY_SEVERAL, count=len(peers), **numbers),
        title=title_about(_TITLE if is_one else _TITLE_SEVERAL, (peer.addr for peer in peers), **numbers),
        confidence=_confidence(all_found),
        evidence=tuple(item for each, foreign in found.items() for item in _evidence(each, foreign)),
        peers=peers,
        severity=None if are_chosen or facts.is_cut_off is not False else Severity.INFO,
        blame=Blame.US if are_chosen else Blame.THEM,
        values=_values(protocol, most, are_chosen=are_chosen),
    )


_TITLE = "{They} {count:is|are} of another network ({protocol})"

_TITLE_SEVERAL = "{They} {count:is|are} of other networks, such as {protocol}"

_SUMMARY = (
    "{count} {count:peer is alive and belongs|peers are alive and belong} to a network of {protocol}, not to this one."
)

_SUMMARY_SEVERAL = (
    "{count} peers are alive and belong to {networks} other networks, such as one of {protocol}, not to this one."
)


def _confidence(found: _Foreign) -> float:
    if found.speaking:
        return confidence(NETWORK, found.speaking)
    return min(MUTE_AT_MOST, confidence(PATTERN, found.peers))


def _evidence(protocol: P2PProtocol, foreign: _Foreign) -> Iterator[EvidenceItem]:
    if foreign.speaking:
        yield evidence_of(
            "{count:peer speaks|peers speak} {protocol}, as the first bytes show",
            foreign.speaking,
            protocol=word(protocol.name),
        )
    if foreign.mute:
        yield evidence_of(
            "{count:peer accepts connections and does|peers accept connections and do} not answer our hello, on a port that is "
            "usual for {protocol}",
            foreign.mute,
            protocol=word(protocol.name),
        )


def _values(protocol: P2PProtocol, foreign: _Foreign, *, are_chosen: bool) -> dict[str, Sayable]:
    addr = address(foreign.peers[0].addr)
    values: dict[str, Sayable] = {"foreign": addr, "protocol": word(protocol.name)}
    if are_chosen:
        values["addr"] = addr
    introducers = [peer.via for peer in foreign.peers if peer.via is not None]
    if introducers:
        values["via"] = address(introducers[0])
    return values


CAUSE = Cause(
    code="foreign_network",
    title="Peers belong to another P2P network",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="Peers in unrelated netgroups answer in the protocol of another P2P network; or, to a nocarrier node, they "
    "accept connections on the usual port of one, never answer its hello, and no peer of its own network uses that port.",
    next_actions=(
        Action(
            text="{addr} belongs to a network of {protocol}: put addresses of your own network into seeds under [node], and "
            "restart.",
            applies_to=NODE,
        ),
        Action(
            text="{addr} belongs to a network of {protocol}: give the program addresses of its own network.",
            applies_to=OTHERS,
        ),
        Action(text="Ask the operator of {via}, which handed out such addresses, which network that node is in."),
        Action(
            text="See how {foreign} ended the dial.",
            command="nocarrier failures --addr {foreign} --url {url}",
        ),
    ),
    rule=_rule,
    looks=looks.AT_HOST,
    depends_on=("offline", "outbound_blocked", "local_overload", "dns_filtered"),
)
