"""Whether an address may be dialed now, and if not, why: policy, bans, open sessions, backoff and free slots."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from nocarrier.host.kernel import is_own_ip
from nocarrier.model.address import Address
from nocarrier.model.fault import Evidence
from nocarrier.model.node.state import DialOutcome, DialResult
from nocarrier.model.taxonomy import Phase, Reason
from nocarrier.sources.node.given_address import GivenAddress, NotAnAddress
from nocarrier.sources.node.neighbourhood import Neighbourhood


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a dial is not started."""

    reason: Reason
    detail: str
    evidence: Evidence | None = None
    node_id: str | None = None
    """The node id of the peer, if a session proves it; then a peer known by a name and by an address counts once."""

    def result(self, addr: str) -> DialResult:
        """The same as a result for the caller that asked for the dial."""
        return DialResult(
            peer_addr=addr,
            outcome=DialOutcome.SKIPPED,
            reason=self.reason,
            phase=Phase.POLICY,
            detail=self.detail,
            duration_s=None,
            node_id=None,
        )


class Eligibility:
    """Says what prevents an address from being dialed.

    Args:
        hood: the node's neighbourhood.
        in_flight: the addresses that are being dialed; a live view.

    Attributes:
        is_stopping: whether the node is stopping; then nothing may be dialed.
    """

    def __init__(self, hood: Neighbourhood, in_flight: AbstractSet[str]) -> None:
        self._hood = hood
        self._in_flight = in_flight
        self.is_stopping = False

    def why_not(self, given: GivenAddress, *, is_manual: bool = False) -> Skip | None:
        """What prevents `given` from being dialed now. A manual dial ignores backoff."""
        if self.is_stopping:
            return Skip(Reason.SHUTTING_DOWN, "this node is stopping")
        forbidden = self.why_forbidden(given)
        if forbidden is not None or isinstance(given, NotAnAddress):
            return forbidden
        addr = str(given)
        return (
            self._why_banned(given)
            or self._why_already(addr)
            or (None if is_manual else self._why_backing_off(addr))
            or self._why_full(is_manual=is_manual)
        )

    def why_forbidden(self, given: GivenAddress) -> Skip | None:
        """What policy forbids about `given`, regardless of everything else."""
        if isinstance(given, NotAnAddress):
            return Skip(Reason.INVALID_IPV4_ENDPOINT, given.why)
        self._learn_whether_own(given)
        block = self._hood.policy.check_address(given)
        return Skip(block.reason, block.detail) if block is not None else None

    def _learn_whether_own(self, address: Address) -> None:
        # Only a node that listens on every interface has own addresses that are not in its settings.
        if address.ip is not None and is_own_ip(address.host):
            self._hood.policy.own_ips.add(address.ip)

    def _why_banned(self, address: Address) -> Skip | None:
        entry = self._hood.book.get(str(address))
        ban = self._hood.bans.match(
            ip=address.ip, port=address.port, node_id=entry.node_id if entry else None, now_unix=time.time()
        )
        if ban is None:
            return None
        evidence = Evidence(rule=ban.target)
        if ban.until_unix is not None:
            evidence["until_unix"] = ban.until_unix
        return Skip(Reason.BANNED_LOCAL, f"{ban.target} is banned by this node: {ban.reason}", evidence)

    def _why_already(self, addr: str) -> Skip | None:
        entry, sessions = self._hood.book.get(addr), self._hood.sessions
        session = sessions.at(addr) or (sessions.get(entry.node_id) if entry and entry.node_id else None)
        if session is not None:
            return Skip(Reason.ALREADY_CONNECTED, "there is an open session with this peer", node_id=session.node_id)
        if addr in self._in_flight:
            return Skip(Reason.ALREADY_DIALING, "a dial to this address is in flight")
        return None

    def _why_backing_off(self, addr: str) -> Skip | None:
        standing = self._hood.recorder.standing(addr)
        if standing.next_attempt_unix is None or standing.because is None:
            return None
        entry = self._hood.book.get(addr)
        if standing.because is Reason.PEER_ID_MISMATCH and (entry is None or entry.node_id is None):
            return None  # never again for that node id, but by now any node may live there
        evidence = Evidence(because=standing.because, until_unix=standing.next_attempt_unix)
        return Skip(Reason.BACKOFF_ACTIVE, f"waiting because of {standing.because}", evidence)

    def _why_full(self, *, is_manual: bool) -> Skip | None:
        options = self._hood.options
        if len(self._hood.sessions) + len(self._in_flight) >= options.max_peers:
            return _full("max_peers", options.max_peers)
        if not is_manual and len(self._in_flight) >= options.max_dials_in_flight:
            return _full("max_dials_in_flight", options.max_dials_in_flight)
        return None


def _full(setting: str, limit: int) -> Skip:
    evidence = Evidence(rule=setting, limit=limit)
    return Skip(Reason.SLOTS_FULL, f"the limit {setting} = {limit} is reached", evidence)
