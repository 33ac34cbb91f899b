"""Distinguishes our own outage from faults of peers, so that a node that was offline can still trust its peer book.

Bitcoin Core counts a failed attempt against an address only once another one has succeeded since. This guard is
stricter: something must have been heard *while that very dial ran*. If nobody at all was heard during a silence, the
silence proves nothing against anybody. Pure: times are seconds of one monotonic clock, passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nocarrier.model.taxonomy import Reason

NOBODY_ANSWERED = frozenset({Reason.TIMEOUT, Reason.HOST_UNREACHABLE, Reason.NETWORK_UNREACHABLE})
"""Reasons that are as likely our fault as the peer's, if they come from the network."""

SILENT_NETGROUPS_WHEN_OFFLINE = 2
"""If one network is silent, that network may be at fault; if two unrelated ones are, what they share is this end."""


@dataclass(frozen=True, slots=True)
class Outage:
    """This machine is offline."""

    since_s: float
    """Monotonic seconds of the first sign of the outage."""
    because: str
    """For people."""


class Connectivity:
    """Decides from what was heard and what failed whether this machine is offline.

    Attributes:
        sessions_alive: how many sessions are open now; the owner of the sessions keeps it up to date.
    """

    def __init__(self) -> None:
        self.sessions_alive = 0
        self._heard_s = -math.inf
        self._local_failure_since_s: float | None = None
        self._silent: dict[str, float] = {}
        """Netgroups that have not answered since anything was heard, with the time their dial began; only as many as a
        verdict needs."""

    def heard(self, now_s: float) -> None:
        """Note that a remote answered in any way: with a session, handshake bytes, or a refusal (RST) from the network.

        The ICMP error of a router on the way does not count: the router at home sends one when its own uplink is down.
        """
        self._heard_s = now_s
        self._local_failure_since_s = None
        self._silent.clear()

    def path_failed(self, netgroup: str, started_s: float) -> None:
        """Note that a dial to `netgroup`, begun at `started_s`, has just ended without an answer from the remote."""
        # If anything was heard while it ran, this end was online and the silence was the peer's or its path's.
        if self._heard_s <= started_s and len(self._silent) < SILENT_NETGROUPS_WHEN_OFFLINE:
            self._silent.setdefault(netgroup, started_s)

    def local_failed(self, now_s: float) -> None:
        """Note that our own kernel refused a dial: ENETUNREACH from connect() itself, or an interface that is down.

        Do not call it for an address family that this machine never had: without IPv6 routes, dials to IPv4 peers work.
        """
        if self._local_failure_since_s is None:
            self._local_failure_since_s = now_s

    @property
    def outage(self) -> Outage | None:
        """Why this machine counts as offline, or None if it does not. Ends as soon as anything is heard."""
        if self._local_failure_since_s is not None:
            return Outage(self._local_failure_since_s, "this machine has no route out; nothing has been heard since")
        if len(self._silent) >= SILENT_NETGROUPS_WHEN_OFFLINE and self.sessions_alive == 0:
            names = " and ".join(self._silent)
            return Outage(min(self._silent.values()), f"{names} were silent, and nothing else has been heard since")
        return None

    def offline(self) -> bool:
        """Whether this machine is offline, as far as the evidence shows."""
        return self.outage is not None

    def counts_against_peer(self, started_s: float) -> bool:
        """Whether a dial that began at `started_s` and has just ended without an answer counts against its peer."""
        return self._heard_s > started_s and not self.offline()
