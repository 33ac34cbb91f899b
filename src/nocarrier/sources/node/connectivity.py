"""Tells our own outage from the faults of peers, so that a node that was offline comes back to a peer book it trusts.

Bitcoin Core counts a failed attempt against an address only once something else has succeeded since. This guard is
stricter: something must have been heard *while that very dial ran*. A silence in which nobody at all was heard proves
nothing against anybody. Pure: times are seconds of one monotonic clock, handed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nocarrier.model.taxonomy import Reason

NOBODY_ANSWERED = frozenset({Reason.TIMEOUT, Reason.HOST_UNREACHABLE, Reason.NETWORK_UNREACHABLE})
"""Reasons that are as likely ours as the peer's, when they come from the network."""

SILENT_NETGROUPS_WHEN_OFFLINE = 2
"""One silent network may be that network; what two unrelated ones have in common is this end."""


@dataclass(frozen=True, slots=True)
class Outage:
    """This machine is offline."""

    since_s: float
    """Monotonic seconds of the first sign of it."""
    because: str
    """For people."""


class Connectivity:
    """Decides from what was heard and what failed whether this machine is offline.

    Attributes:
        sessions_alive: how many sessions live now; the owner of the sessions keeps it right.
    """

    def __init__(self) -> None:
        self.sessions_alive = 0
        self._heard_s = -math.inf
        self._local_failure_since_s: float | None = None
        self._silent: dict[str, float] = {}
        """Netgroups that did not answer since anything was heard, with the time their dial began; only as many as it
        takes for a verdict."""

    def heard(self, now_s: float) -> None:
        """A remote answered anything at all: a session, handshake bytes, a refusal (RST) from the network.

        The ICMP error of a router on the way is no answer: the router at home sends one when its own uplink is down.
        """
        self._heard_s = now_s
        self._local_failure_since_s = None
        self._silent.clear()

    def path_failed(self, netgroup: str, started_s: float) -> None:
        """A dial to `netgroup` that began at `started_s` ended now, without an answer of the remote."""
        # Heard while it ran: this end was online, so the silence was the peer's or its path's.
        if self._heard_s <= started_s and len(self._silent) < SILENT_NETGROUPS_WHEN_OFFLINE:
            self._silent.setdefault(netgroup, started_s)

    def local_failed(self, now_s: float) -> None:
        """Our own kernel refused: ENETUNREACH from connect() itself, an interface that is down.

        Not for a family that this machine never had: without an IPv6 route, dials to IPv4 peers still work.
        """
        if self._local_failure_since_s is None:
            self._local_failure_since_s = now_s

    @property
    def outage(self) -> Outage | None:
        """Why this machine counts as offline, or None. Ends as soon as anything is heard."""
        if self._local_failure_since_s is not None:
            return Outage(self._local_failure_since_s, "this machine has no route out, and nothing was heard since")
        if len(self._silent) >= SILENT_NETGROUPS_WHEN_OFFLINE and self.sessions_alive == 0:
            names = " and ".join(self._silent)
            return Outage(min(self._silent.values()), f"{names} were silent, and nothing else was heard since")
        return None

    def offline(self) -> bool:
        """Whether this machine is offline, as far as can be told."""
        return self.outage is not None

    def counts_against_peer(self, started_s: float) -> bool:
        """Whether a dial that began at `started_s` and just ended without an answer speaks against its peer."""
        return self._heard_s > started_s and not self.offline()
