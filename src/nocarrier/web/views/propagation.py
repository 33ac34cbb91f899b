"""`/api/p2p/propagation`: how the addresses from each source and introducer turned out, and how one arrived here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nocarrier.model.node.introduction_chain import introduction_chain
from nocarrier.model.node.state import Introduction, IntroductionCounts, NodePort
from nocarrier.model.taxonomy import HANDSHAKE_VERDICTS, Blame, Reason, Source
from nocarrier.tracking import DialTracker, LastOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationCounts:
    """How distinct addresses turned out: introduced >= dialed >= connected, and dialed >= dead."""

    introduced: int
    dialed: int
    connected: int
    """How many led to a session at least once."""
    dead: int
    """How many did not answer the last dial, through no fault of this node."""
    repeated: int | None
    """How often a peer told this node an address that it already knew; None: not known, because the program has no
    nocarrier node."""
    refused: int | None
    """How many new addresses the node did not take in, because there was no room, they came too fast, or the introducer
    is throttled; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntroducerView:
    """One peer that told this node addresses."""

    addr: str
    throttled: bool | None
    """Whether the node takes in its addresses only slowly because too many of them were dead; None: not known."""
    counts: PropagationCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationView:
    """How addresses reached this node, and how many of them work."""

    by_source: Mapping[Source, PropagationCounts]
    """Addresses since the program started, and those that were in its peer book then."""
    by_introducer: list[IntroducerView]
    """The introducers heard from last, at most 512; the worst first."""
    chain: list[Introduction] | None
    """How the requested address reached this node: the address itself first, the origin last. None: no address was
    requested."""


def propagation_view(tracker: DialTracker, node: NodePort | None, addr: str | None = None) -> PropagationView:
    """Return the present view; without a nocarrier node, of the addresses that the tracker knows.

    Args:
        tracker: has the dials.
        node: has the peer book; None: the program has no nocarrier node.
        addr: the address whose chain to show. The chain is empty if the address is not known.
    """
    if node is None:
        return _tracked_view(tracker.latest().peers, addr)
    introducers = [
        IntroducerView(addr=each.addr, throttled=each.throttled, counts=_known(each.counts))
        for each in node.state().introducers
    ]
    return PropagationView(
        by_source={source: _known(counts) for source, counts in node.introduced_by_source().items()},
        by_introducer=sorted(introducers, key=_worst_first),
        chain=node.introduction_chain(addr) if addr is not None else None,
    )


def _worst_first(introducer: IntroducerView) -> tuple[bool, int, int, str]:
    counts = introducer.counts
    return not introducer.throttled, -counts.dead, -(counts.refused or 0), introducer.addr


def _known(counts: IntroductionCounts) -> PropagationCounts:
    return PropagationCounts(
        introduced=counts.introduced,
        dialed=counts.dialed,
        connected=counts.connected,
        dead=counts.dead,
        repeated=counts.repeated,
        refused=counts.refused,
    )


# ---- without a nocarrier node ----------------------------------------------------------------------------------------


def _tracked_view(peers: Iterable[LastOutcome], addr: str | None) -> PropagationView:
    by_addr = {peer.addr: peer for peer in peers}
    by_source: dict[Source, list[LastOutcome]] = {}
    by_introducer: dict[str, list[LastOutcome]] = {}
    for peer in by_addr.values():
        by_source.setdefault(peer.source, []).append(peer)
        if peer.via is not None:
            by_introducer.setdefault(peer.via, []).append(peer)
    introducers = [
        IntroducerView(addr=via, throttled=None, counts=_tracked(told)) for via, told in by_introducer.items()
    ]
    return PropagationView(
        by_source={source: _tracked(told) for source, told in by_source.items()},
        by_introducer=sorted(introducers, key=_worst_first),
        chain=introduction_chain(addr, lambda step: _origin(by_addr.get(step))) if addr is not None else None,
    )


def _origin(peer: LastOutcome | None) -> Introduction | None:
    if peer is None:
        return None
    return Introduction(addr=peer.addr, source=peer.source, via=peer.via, first_seen_unix=None)


def _tracked(peers: list[LastOutcome]) -> PropagationCounts:
    return PropagationCounts(
        introduced=len(peers),
        dialed=len(peers),  # the tracker knows only addresses that were dialed
        connected=sum(peer.succeeded_unix is not None or peer.reason is Reason.EARLY_DISCONNECT for peer in peers),
        dead=sum(map(_is_dead, peers)),
        repeated=None,
        refused=None,
    )


_ANSWERED = HANDSHAKE_VERDICTS | {Reason.EARLY_DISCONNECT}
"""Failures that are only possible if a peer has identified itself."""


def _is_dead(peer: LastOutcome) -> bool:
    is_ours = peer.blame in {Blame.US, Blame.NONE} or (peer.evidence or {}).get("decided_by") == "local"
    return peer.is_failing and peer.reason not in _ANSWERED and not is_ours
