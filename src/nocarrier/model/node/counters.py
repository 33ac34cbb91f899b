"""What a node counts besides its dials: one table each, which node, API, report, metrics and docs share."""

from __future__ import annotations

from nocarrier.model.wording.word import Word


class Refusal(Word):
    """What a node did not take in or did not keep, to protect itself."""

    PEER_BOOK_FULL = "peer_book_full"
    PEER_BOOK_EVICTED = "peer_book_evicted"
    BAN_EVICTED = "ban_evicted"
    GOSSIP_TOO_FAST = "gossip_too_fast"
    UNKNOWN_MESSAGE = "unknown_message"
    DIAL_BACK = "dial_back"


REFUSALS: dict[Refusal, str] = {
    Refusal.PEER_BOOK_FULL: "an address that peers told found no place in the peer book",
    Refusal.PEER_BOOK_EVICTED: "an address in the peer book made way for another",
    Refusal.BAN_EVICTED: "a ban made way for a newer one before it ended",
    Refusal.GOSSIP_TOO_FAST: "a peer named an address sooner than peers may",
    Refusal.UNKNOWN_MESSAGE: "a peer sent a message of a type that this version does not know",
    Refusal.DIAL_BACK: "a peer asked to be dialed back, and this node refused",
}
"""What each means."""


class DialBackCount(Word):
    """What becomes of dial-backs, by which nodes find out whether others can dial them."""

    ASKED_BY_PEER = "asked_by_peer"
    ANSWERED_PEER = "answered_peer"
    ASKED_PEER = "asked_peer"
    ANSWERED_BY_PEER = "answered_by_peer"
    REFUSED_BY_PEER = "refused_by_peer"
    RECEIVED = "received"


DIAL_BACKS: dict[DialBackCount, str] = {
    DialBackCount.ASKED_BY_PEER: "a peer asked this node to dial it back",
    DialBackCount.ANSWERED_PEER: "this node tried that and told the peer what became of it",
    DialBackCount.ASKED_PEER: "this node asked a peer to dial it back",
    DialBackCount.ANSWERED_BY_PEER: "the peer tried that and told this node what became of it",
    DialBackCount.REFUSED_BY_PEER: "the peer refused",
    DialBackCount.RECEIVED: "somebody dialed this node only to see whether that works",
}
"""What each means."""
