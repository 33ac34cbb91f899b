"""What the failure of a dial means: whether it counts against the peer, and what the node learns from it."""

from __future__ import annotations

import time

from nocarrier.host.kernel import has_route_to
from nocarrier.host.routes import has_way_out
from nocarrier.model.address import Address
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import HANDSHAKE_VERDICTS, Blame, Reason, Source
from nocarrier.sources.node.connectivity import NOBODY_ANSWERED
from nocarrier.sources.node.neighbourhood import Neighbourhood

_ONE_OF_US_IS_WRONG = frozenset({Reason.CLOCK_SKEW, Reason.GENESIS_MISMATCH})
"""A single mismatch does not show which side is wrong. Open sessions are peers that agree with us, so then it is the
other side."""

_NO_WAY_OUT = frozenset({Reason.NETWORK_UNREACHABLE, Reason.ADDR_NOT_AVAILABLE})

_RESOLVER_FAILED = frozenset({Reason.DNS_TEMPORARY, Reason.DNS_TIMEOUT})


class Judgement:
    """Judges failed dials. `started_s` is when a dial began, in monotonic seconds."""

    def __init__(self, hood: Neighbourhood) -> None:
        self._hood = hood

    def counts_against_peer(self, address: Address, fault: Fault, started_s: float) -> bool:
        """Whether a fault counts against the peer, or may be our own outage."""
        now_s = time.monotonic()
        evidence, connectivity = fault.evidence, self._hood.connectivity
        if evidence.get("decided_by") == "local":
            # A machine without IPv6 is not offline, and neither is one that still has a route to its peers.
            if fault.reason in _NO_WAY_OUT and ":" not in address.host and not self._has_way_to_a_peer():
                connectivity.local_failed(now_s)
            return False
        if fault.reason in _RESOLVER_FAILED and not has_way_out():
            connectivity.local_failed(now_s)  # if all seeds are names, the node has no other sign of it
            return False
        if fault.blame is Blame.US and "loop_lag_s" in evidence:
            return False  # a silence during our own stall is not a sign of an outage either
        if fault.reason in NOBODY_ANSWERED:
            connectivity.path_failed(self._hood.netgroup_of(address), started_s)
            return connectivity.counts_against_peer(started_s)
        if fault.reason in _ONE_OF_US_IS_WRONG and not self._hood.sessions:
            return False  # no peer has agreed with us yet
        if fault.reason is Reason.CONNECTION_REFUSED and "icmp" not in evidence:
            connectivity.heard(now_s)
        return not connectivity.offline()

    def _has_way_to_a_peer(self) -> bool:
        return any(has_route_to(session.address.host) for session in self._hood.sessions)

    def learn_from(self, address: Address, fault: Fault, started_s: float, source: Source, via: str | None) -> None:
        """Note in the book, and wherever else it matters, that a dial to `address` failed."""
        addr, book = str(address), self._hood.book
        if fault.blame not in {Blame.US, Blame.NONE} and self._hood.connectivity.counts_against_peer(started_s):
            book.attempted(addr, time.time())
        if fault.reason in HANDSHAKE_VERDICTS:
            book.answered(addr)
        if fault.reason is Reason.PEER_ID_MISMATCH:
            book.forget_node_id(addr)  # another node lives there now, and it may be dialed
        if fault.reason is Reason.SELF_DIAL_BLOCKED:
            # Do not ban the IP address: a forwarder may lead another of its ports to another node.
            self._hood.policy.own_addresses.add(address)
            book.remove(addr)
        self._hood.ports.dial_failed(address, fault, source, via, time.time())
