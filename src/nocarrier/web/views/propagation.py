"""`/api/p2p/propagation`: what became of the addresses that each source and introducer told, and how one came to us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nocarrier.model.introduction_chain import introduction_chain
from nocarrier.model.node_state import Introduction, IntroductionCounts, NodePort
from nocarrier.model.taxonomy import HANDSHAKE_VERDICTS, Blame, Reason, Source
from nocarrier.tracking import DialTracker, LastOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationCounts:
    """What became of distinct addresses: introduced >= dialed >= connected, and dialed >= dead."""

    introduced: int
    dialed: int
    connected: int
    """Led to a session at least once."""
    dead: int
    """No peer answered when dialed last, through no fault of ours."""
    repeated: int | None
    """How often a peer told an address that was already known; None: not known, the program has no nocarrier node."""
    refused: int | None
    """Newcomers not taken in: no place, too fast, or the introducer is throttled; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntroducerView:
    """One peer that told addresses."""

    addr: str
    throttled: bool | None
    """Whether it is believed only slowly, as nearly all that it told is dead; None: not known."""
    counts: PropagationCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationView:
    """How addresses spread to us, and what they were worth."""

    by_source: Mapping[Source, PropagationCounts]
    """Since this program started, and what was in its peer book then."""
    by_introducer: list[IntroducerView]
    """Those heard last, at most 512; the worst first."""
    chain: list[Introduction] | None
    """How the address that was asked for came to us: itself first, the root last. None: none was asked for."""


def propagation_view(tracker: DialTracker, node: NodePort | None, addr: str | None = None) -> PropagationView:
    """The view of this instant; without a nocarrier node, of the addresses that the tracker knows.

    Args:
        tracker: whose dials.
        node: None: the program has no nocarrier node.
        addr: whose chain to show. It is empty where nothing is known of the address.
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
        dialed=len(peers),  # the tracker knows no others
        connected=sum(peer.succeeded_unix is not None or peer.reason is Reason.EARLY_DISCONNECT for peer in peers),
        dead=sum(map(_is_dead, peers)),
        repeated=None,
        refused=None,
    )


_ANSWERED = HANDSHAKE_VERDICTS | {Reason.EARLY_DISCONNECT}
"""Failures for which a peer must have said who it is."""


def _is_dead(peer: LastOutcome) -> bool:
    is_ours = peer.blame in {Blame.US, Blame.NONE} or (peer.evidence or {}).get("decided_by") == "local"
    return peer.is_failing and peer.reason not in _ANSWERED and not is_ours
