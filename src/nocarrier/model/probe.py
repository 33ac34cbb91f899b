"""Active evidence: what probes saw of the network for one finding, and what that says.

Those who probe (`probing`) and those who show it share these plain values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Reason
from nocarrier.model.wording.text import Text
from nocarrier.model.wording.word import DefinedWord, Word

MAX_TARGETS = 3
"""Peers that are probed for one finding: enough to tell one from all, and quick."""


class Probe(Word):
    """One way of looking."""

    ROUTES = "routes"
    """The routing table, the interfaces and the gateways of this machine. Sends nothing."""
    RESOLVER = "resolver"
    """The peers' names are looked up."""
    REDIAL = "redial"
    """One connection, with the counters of this host read before and after."""
    TRACE = "trace"
    """Which hops answer on the way to the peer's own port."""
    OTHER_PORTS = "other_ports"
    """Whether the host answers on ports that are none of the peer's P2P port."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Which probes can tell more about a cause."""

    probes: frozenset[Probe] = frozenset()
    why_none: str = ""
    """Why none of them can; a clause that ends the sentence "Nothing to probe: ..."."""


NOT_KNOWN = Looks(why_none="no probe is known for it.")


class Answer(DefinedWord):
    """What came back for a SYN."""

    CONNECTED = "connected", "The host accepted the connection."
    REFUSED = "refused", "The host sent a RST: nothing listens on that port."
    UNREACHABLE = "unreachable", "An ICMP error came back, from the host itself or from a hop before it."
    EXPIRED = "expired", "A router on the way answered (ICMP time exceeded)."
    SILENT = "silent", "Nothing came back."
    LOCAL = "local", "This machine did not send the packet."


def answer_in(evidence: Evidence) -> Answer:
    """What came back for an attempt that failed with this evidence of the kernel."""
    if evidence.get("decided_by") == "local":
        return Answer.LOCAL
    if evidence.get("no_neighbour"):
        return Answer.SILENT  # the kernel's own words for nobody answering on the link
    icmp = evidence.get("icmp")
    if icmp is not None:
        expired = _EXPIRED_IPV6 if ":" in icmp["hop"] else _EXPIRED_IPV4
        return Answer.EXPIRED if (icmp["type"], icmp["code"]) == expired else Answer.UNREACHABLE
    match evidence.get("errno"):
        case "ECONNREFUSED" | "ECONNRESET":
            return Answer.REFUSED
        case None | "ETIMEDOUT":
            return Answer.SILENT
        case _:
            return Answer.UNREACHABLE  # an ICMP error of which the kernel may not tell more


_EXPIRED_IPV4 = (11, 0)  # type and code of a TTL that ran out: RFC 792
_EXPIRED_IPV6 = (3, 0)  # RFC 4443


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What came back for a SYN that may pass `ttl` - 1 routers."""

    ttl: int
    answer: Answer
    addr: str | None = None
    """Who answered."""
    rtt_s: float | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The way to one address and port, hop by hop from here, up to the first that ended it."""

    hops: tuple[Hop, ...]

    @property
    def end(self) -> Hop | None:
        """Where the way ended with an answer: the target, or whoever refused in its stead; None: in silence."""
        last = self.hops[-1] if self.hops else None
        return last if last is not None and last.answer not in {Answer.EXPIRED, Answer.SILENT} else None

    @property
    def last_router(self) -> Hop | None:
        """The farthest router that answered."""
        return next((hop for hop in reversed(self.hops) if hop.answer is Answer.EXPIRED), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redial:
    """One connection attempt, alone as far as this program goes."""

    answer: Answer
    duration_s: float
    fault: Fault | None
    """None: it connected."""
    counters: dict[str, int]
    """By how much counters of this host grew meanwhile; without those that did not. See `host.counters`."""
    is_alone: bool
    """Whether no other program dialed meanwhile, so that the counters speak of this attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAnswer:
    """What another port of the same host said."""

    port: int
    answer: Answer
    duration_s: float
    is_alive: bool
    """Whether the host itself answered, be it with a no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The entry of this machine's main routing table that takes one address."""

    network: str
    """CIDR text."""
    gateway: str | None
    """None: on the link itself, or refused."""
    rejects: bool
    """An unreachable, prohibit or blackhole route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """All that was seen of one peer. None or empty: not looked at, or the time was over."""

    addr: str
    """As the finding names it."""
    ip: str | None = None
    """What was probed: a name's first address that policy allows."""
    blocked: Reason | None = None
    """Why it was not probed: policy, or its name has no address."""
    blocked_detail: str | None = None
    is_own: bool = False
    """It is an address of this machine."""
    route: Route | None = None
    redial: Redial | None = None
    trace: Trace | None = None
    other_ports: tuple[PortAnswer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A next hop of a default route."""

    addr: str
    answers: bool | None
    """Whether it answers on the link, as far as the kernel has asked lately; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """What this machine has to get out by."""

    default_ipv4: bool
    default_ipv6: bool
    gateways: tuple[Gateway, ...]
    reject_routes: tuple[str, ...]
    interfaces_up: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What the resolver said to one name."""

    name: str
    addrs: tuple[str, ...]
    reason: Reason | None
    """None: it answered."""
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverCheck:
    """What the resolver of this machine does."""

    nameservers: tuple[str, ...]
    """Of /etc/resolv.conf."""
    lookups: tuple[Lookup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFacts:
    """Everything that the probes of one finding saw. None or empty: not looked at."""

    way_out: WayOut | None = None
    resolver: ResolverCheck | None = None
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that the facts say."""

    text: Text
    """For people."""
    addr: str | None = None
    """Which peer it is about; None: this machine, or all of them."""
    suggests: str | None = None
    """Code of the cause that it speaks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What probing one finding gave."""

    code: str
    """The finding's."""
    probed_unix: float
    age_s: float
    """0 for a new one; else how long ago it was made, as a finding is probed at most once a minute."""
    duration_s: float
    statements: tuple[Statement, ...]
    facts: ProbeFacts = field(default_factory=ProbeFacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """What to look at for one finding."""

    probes: frozenset[Probe]
    """Empty: no packet could tell more."""
    addrs: tuple[str, ...] = ()
    """Up to `MAX_TARGETS` peers, as the finding names them."""
