"""The peers that causes are found from: those that fail and those that work, as their newest dials show them. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

from nocarrier.classification import signs
from nocarrier.errors import AddressError
from nocarrier.model import bounds
from nocarrier.model.address import Address, netgroup_of
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Source
from nocarrier.tracking import LastOutcome

UNTIMED_DIAL_S = 36.0
"""How long before its end a dial is taken to have begun where nobody said how long it took: the handshake window of a
node of ours, and longer than programs usually wait for a connection (Bitcoin Core 5 s, aiohttp 30 s)."""

KERNEL_TIMEOUT_S = 127.0
"""The same where the kernel gave up: Linux repeats the SYN six times, after 1, 2, 4 ... 32 s, and waits another 64 s
(ip-sysctl, tcp_syn_retries)."""


class Place(NamedTuple):
    """Where an address lies."""

    host: str
    netgroup: str
    is_ipv6: bool


class FailingPeer:
    """An address whose newest dial failed. Made once for each failure, and never changed."""

    __slots__ = (
        "addr",
        "blame",
        "dials",
        "event_id",
        "evidence",
        "failed_unix",
        "has_answered",
        "has_no_host",
        "has_no_network",
        "hop",
        "host",
        "is_ipv6",
        "is_local",
        "is_phase_told",
        "is_prohibited",
        "is_refused_by_rule",
        "is_seed",
        "is_silent",
        "netgroup",
        "outcome",
        "phase",
        "reason",
        "source",
        "took_s",
        "via",
        "worked_in_this_run",
        "worked_unix",
    )

    def __init__(self, outcome: LastOutcome, place: Place, *, worked_unix: float | None, is_seed: bool) -> None:
        """Read an outcome that is a failure.

        Args:
            outcome: of the tracker.
            place: where the address lies.
            worked_unix: when it last worked, as far as tracker or peer book remember.
            is_seed: whether it stands in the seed list.
        """
        reason, phase, blame, failed_unix = outcome.reason, outcome.phase, outcome.blame, outcome.failed_unix
        assert reason is not None and phase is not None and blame is not None and failed_unix is not None  # noqa: PT018
        self.outcome = outcome
        self.addr = outcome.addr
        self.host, self.netgroup, self.is_ipv6 = place
        self.source = outcome.source
        self.via = outcome.via
        self.reason = reason
        self.phase = phase
        self.blame = blame
        self.evidence = outcome.evidence or Evidence()
        self.failed_unix = failed_unix
        self.took_s = outcome.duration_s
        self.is_phase_told = outcome.is_phase_told
        """Whether somebody said in which phase it failed; else `phase` is the reason's usual one."""
        self.event_id = outcome.failure_seq
        self.dials = outcome.failures_since_success
        """Failed dials since it last worked."""
        self.worked_unix = worked_unix
        self.worked_in_this_run = outcome.succeeded_unix is not None
        self.is_seed = is_seed
        (
            self.is_local,
            self.is_silent,
            self.is_prohibited,
            self.is_refused_by_rule,
            self.has_no_network,
            self.has_no_host,
            self.has_answered,
            self.hop,
        ) = signs.read(reason, phase, self.evidence)

    @property
    def began_unix(self) -> float:
        """When the failed dial began; as far back as is usual where nobody said how long it took.

        Too early rather than too late, so that an answer from about that time still counts as one while it ran.
        """
        return self.failed_unix - (_usual_s(self.evidence) if self.took_s is None else self.took_s)


def _usual_s(evidence: Evidence) -> float:
    elapsed_s = bounds.seconds(evidence.get("elapsed_s"))
    if elapsed_s is not None:
        return elapsed_s
    return KERNEL_TIMEOUT_S if evidence.get("errno") == "ETIMEDOUT" else UNTIMED_DIAL_S


class WorkingPeer(NamedTuple):
    """An address that is connected, or whose newest dial worked."""

    addr: str
    host: str
    """Without the port."""
    netgroup: str
    """The network that counts as one."""
    is_ipv6: bool
    source: Source | None
    via: str | None
    worked_unix: float | None
    """When a dial worked last; None: it is connected now."""
    is_seed: bool
    outcome: LastOutcome | None
    """What it was read from; None: it is connected now."""

    def worked_between(self, since_unix: float, until_unix: float) -> bool:
        """Whether a dial worked last in that time."""
        return self.worked_unix is not None and since_unix <= self.worked_unix <= until_unix


def netgroups(peers: Iterable[FailingPeer | WorkingPeer]) -> set[str]:
    """Distinct netgroups of `peers`."""
    return {peer.netgroup for peer in peers}


@functools.lru_cache(maxsize=8192)  # twice the addresses of a full tracker, as the next diagnosis asks for the same
def place_of(addr: str, prefix: int) -> Place:
    """Host, netgroup and whether it is IPv6; an address that cannot be parsed is a place of its own."""
    try:
        host = Address.parse(addr, default_port=1).host
    except AddressError:
        return Place(addr, addr, is_ipv6=False)
    return Place(host, netgroup_of(host, ipv4_prefix=prefix), is_ipv6=":" in host)
