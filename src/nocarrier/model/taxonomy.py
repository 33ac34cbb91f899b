"""The tables of what becomes of a dial and why: phases, outcomes, kinds, blame, retry classes, sources, reasons.

API, CLI, page, metric labels, backoff and the reference documentation derive from it. The value of each member is the
JSON value, the metric label and the SQL text alike. A reason exists only with a producer, a test that provokes it for
real (`tests/reasons/`), and an explanation with a next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from nocarrier.model.wording.word import DefinedWord, Word


class Phase(DefinedWord):
    """How far a dial had come."""

    POLICY = "policy", "Deciding whether the address may be dialed now. Nothing is sent to the peer."
    RESOLVE = "resolve", "Looking up the peer's name."
    CONNECT = "connect", "Opening the TCP connection."
    SECURE = "secure", "Checking that the peer speaks the expected protocol, and setting up any encryption."
    HANDSHAKE = "handshake", "Exchanging identities, versions and terms until both sides accept the session."
    SESSION = "session", "After the handshake: the two sides exchange messages."
    ANY = "any", "Of a reason: it can occur in every phase. Of an event: the phase was not recorded."


class Outcome(Word):
    """What became of a dial, as an event tells it."""

    BEGAN = "began"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    DISCONNECTED = "disconnected"


class Kind(Word):
    """What an event tells of.

    Attributes:
        outcome: what it says became of the dial.
        ends_dial: whether a dial ends with it; each dial that began ends with exactly one.
        meaning: one sentence.
    """

    outcome: Outcome
    ends_dial: bool
    meaning: str

    def __new__(cls, value: str, outcome: Outcome, ends_dial: bool, meaning: str) -> Self:
        """A member whose text is `value`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.outcome = outcome
        member.ends_dial = ends_dial
        member.meaning = meaning
        return member

    @property
    def is_entry(self) -> bool:
        """Whether it has a reason, and so a place among the failures; beginnings and successes have none."""
        return self.outcome not in {Outcome.BEGAN, Outcome.SUCCEEDED}

    STARTED = "started", Outcome.BEGAN, False, "A dial began."
    SUCCEEDED = "succeeded", Outcome.SUCCEEDED, True, "A dial led to a session."
    FAILURE = "failure", Outcome.FAILED, True, "A dial failed."
    CANCELLED = "cancelled", Outcome.CANCELLED, True, "Our own code ended a dial before it had an outcome."
    SKIP = (
        "skip",
        Outcome.SKIPPED,
        False,
        "Policy prevented a dial. Nothing was sent to the peer, and it is not a failure.",
    )
    DISCONNECT = (
        "disconnect",
        Outcome.DISCONNECTED,
        False,
        "A dial that had succeeded lost its session soon after; the dial itself still counts as a success.",
    )


class Blame(DefinedWord):
    """Whose fault it is. Only events are `unknown`, never a row of the table of reasons."""

    US = "us", "This node, its settings or this machine."
    PATH = "path", "The network between this machine and the peer."
    THEM = "them", "The peer, or the source that gave its address."
    NONE = "none", "Nobody is at fault."
    UNKNOWN = "unknown", "The evidence does not say whose fault it is."


class Retry(DefinedWord):
    """When another dial makes sense. `tracking.backoff` has the lengths."""

    SHORT = "short", "Dial again soon: after seconds, or minutes if it keeps failing."
    MID = "mid", "Dial again later: after half a minute or more, and within half an hour."
    LONG = "long", "Dial again much later: after ten minutes or more, and within half a day."
    NEVER = "never", "Do not dial again: this address cannot work."
    WHEN_CONFIG_CHANGES = "when_config_changes", "Dial again once the settings of this node or machine have changed."
    WHEN_LIFTED = "when_lifted", "Dial again once the ban has ended."
    AT_STATED_TIME = "at_stated_time", "Dial again at the time in the evidence (until_unix)."
    NOT_APPLICABLE = "-", "Waiting changes nothing: the address is not at fault."


class Source(DefinedWord):
    """Who gave us the address."""

    SEED = "seed", "a peer from seeds in the settings"
    PEER_BOOK = "peer_book", "a peer from the stored peer book"
    DIRECT = "direct", "dialed by hand, or on request over the API"
    GOSSIP = "gossip", "named by a peer in a list of addresses"
    HANDSHAKE = "handshake", "learned during a handshake"
    DHT = "dht", "found in a distributed hash table"
    PEX = "pex", "learned by peer exchange"
    DNS = "dns", "found by a DNS seed"
    TRACKER = "tracker", "given by a tracker"
    OTHER = "other", "a source with another name, which the detail keeps"


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table says of one reason."""

    phase: Phase
    kind: Kind
    blames: tuple[Blame, ...]
    retry: Retry
    meaning: str
    usual_cause: str
    next_step: str


class Reason(Word):
    """Why a dial did not become a session. Each member carries its row of the table.

    Attributes:
        phase: the reason's home; an event's phase is where it was seen.
        kind: of its entries: skip, failure, cancelled or disconnect.
        blames: whose fault it can be; with more than one, evidence decides per event.
        retry: when another dial makes sense.
        meaning: one sentence.
        usual_cause: what is behind it most often.
        next_step: what an operator can do now.
    """

    phase: Phase
    kind: Kind
    blames: tuple[Blame, ...]
    retry: Retry
    meaning: str
    usual_cause: str
    next_step: str

    def __new__(cls, value: str, row: _Row) -> Self:
        """A member whose text is `value`."""
        member = str.__new__(cls, value)
        member._value_ = value
        for name in _Row.__slots__:
            setattr(member, name, getattr(row, name))
        return member

    @classmethod
    def named(cls, name: object) -> Self | None:
        """The reason called `name`, or None."""
        return next((reason for reason in cls if reason.value == name), None)

    @property
    def blame(self) -> Blame:
        """The blame where the table knows it without evidence, else ``unknown``."""
        return self.blames[0] if len(self.blames) == 1 else Blame.UNKNOWN

    # fmt: off - one reason is one block to read, whatever its lengths
    # ---- policy: no packet was sent -------------------------------------------------------------------------------
    IPV6_BLOCKED = (
        "ipv6_blocked",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.US,),
            Retry.WHEN_CONFIG_CHANGES,
            "The address is IPv6 and this node runs in IPv4-only mode.",
            "ipv4_only is on, which is the default.",
            "If this machine has working IPv6, set ipv4_only = false under [node]; else take the address off the list.",
        ),
    )
    INVALID_IPV4_ENDPOINT = (
        "invalid_ipv4_endpoint",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.THEM,),
            Retry.NEVER,
            "The text is not an endpoint that can be dialed: unparsable, port 0, unspecified, multicast, broadcast or reserved.",
            "A typing error in a seed list, or a peer that publishes the address it listens on (0.0.0.0).",
            "Correct the entry; the detail says what is wrong with it. For gossip, tell the peer named in via.",
        ),
    )
    SELF_DIAL_BLOCKED = (
        "self_dial_blocked",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.NONE,),
            Retry.NEVER,
            "The address is our own, or the handshake showed our own node at the other end.",
            "Our own address came back through gossip, or stands in our own seed list.",
            "Nothing to do when it came by gossip; take your own address out of seeds.",
        ),
    )
    LOOPBACK_BLOCKED = (
        "loopback_blocked",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.THEM,),
            Retry.NEVER,
            "The address is loopback, and this node is not in LAN mode.",
            "A seed list from a test set-up, or a peer that publishes its loopback address.",
            'Use the peer\'s public address. For a test on one machine set lan_mode = true or allow_networks = ["127.0.0.0/8"].',
        ),
    )
    PRIVATE_IP_BLOCKED = (
        "private_ip_blocked",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.THEM,),
            Retry.NEVER,
            "The address, or what its name resolved to, lies in a private network, and this node is not in LAN mode.",
            "A peer behind NAT publishes its inside address, or the seed list is meant for a LAN.",
            "Use public addresses. In a network of your own set lan_mode = true, or name it in allow_networks.",
        ),
    )
    ALREADY_CONNECTED = (
        "already_connected",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.NONE,),
            Retry.NOT_APPLICABLE,
            "There is a live session with that address or node id.",
            "Normal: the maintainer met a peer it already has.",
            "Nothing to do.",
        ),
    )
    ALREADY_DIALING = (
        "already_dialing",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.NONE,),
            Retry.NOT_APPLICABLE,
            "A dial to that address is in flight.",
            "Normal when two sources name one peer.",
            "Nothing to do, unless the dial in flight is older than its deadline: then report a bug.",
        ),
    )
    BACKOFF_ACTIVE = (
        "backoff_active",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.NONE,),
            Retry.AT_STATED_TIME,
            "An earlier failure keeps this address waiting; the evidence says which and until when.",
            "The peer failed before.",
            "Wait until until_unix, or dial it now by hand: nocarrier connect ADDR passes backoff.",
        ),
    )
    BANNED_LOCAL = (
        "banned_local",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.US,),
            Retry.WHEN_LIFTED,
            "The address or node is on this node's own ban list.",
            "It stands in bans of the configuration, or it broke the protocol earlier.",
            "Take it out of bans under [node], or wait until the ban ends; the evidence says when.",
        ),
    )
    SLOTS_FULL = (
        "slots_full",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.US,),
            Retry.SHORT,
            "All places for sessions or for dials in flight are taken.",
            "max_peers or max_dials_in_flight is reached.",
            "Raise max_peers or max_dials_in_flight under [node], or leave it: the node has what it wants.",
        ),
    )
    SHUTTING_DOWN = (
        "shutting_down",
        _Row(
            Phase.POLICY,
            Kind.SKIP,
            (Blame.US,),
            Retry.NOT_APPLICABLE,
            "This node is stopping and starts no more dials.",
            "The node was told to stop.",
            "Start the node again.",
        ),
    )

    # ---- resolve --------------------------------------------------------------------------------------------------
    DNS_NOT_FOUND = (
        "dns_not_found",
        _Row(
            Phase.RESOLVE,
            Kind.FAILURE,
            (Blame.THEM,),
            Retry.LONG,
            "The resolver answered: there is no such name, or it has no address.",
            "A dead or mistyped seed name.",
            "Check the name with: getent ahosts NAME. Correct the seed list, or tell who runs the name.",
        ),
    )
    DNS_TEMPORARY = (
        "dns_temporary",
        _Row(
            Phase.RESOLVE,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "Our resolver failed or could not be reached (EAI_AGAIN).",
            "The resolver in /etc/resolv.conf is down, refuses, or answers SERVFAIL.",
            "Check /etc/resolv.conf and ask its server: dig @SERVER NAME.",
        ),
    )
    DNS_TIMEOUT = (
        "dns_timeout",
        _Row(
            Phase.RESOLVE,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "Our resolver did not answer before our deadline.",
            "The resolver in /etc/resolv.conf is unreachable, or a firewall drops port 53.",
            "Ask it: dig @SERVER NAME. Set a resolver that answers in /etc/resolv.conf.",
        ),
    )
    DNS_NO_USABLE_FAMILY = (
        "dns_no_usable_family",
        _Row(
            Phase.RESOLVE,
            Kind.FAILURE,
            (Blame.US,),
            Retry.WHEN_CONFIG_CHANGES,
            "The name has addresses, but none in a family that this node may use.",
            "The peer is IPv6-only and ipv4_only is on.",
            "Set ipv4_only = false under [node] if this machine has IPv6, or ask for an IPv4 address of the peer.",
        ),
    )

    # ---- connect --------------------------------------------------------------------------------------------------
    CONNECTION_REFUSED = (
        "connection_refused",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.THEM, Blame.PATH, Blame.US),
            Retry.MID,
            "Something answered the connection attempt with a refusal.",
            "Nothing listens on that port (RST), or a firewall refuses it (ICMP, with the hop that sent it).",
            "If evidence.icmp names a hop, ask who runs that machine; else check that the peer runs and that its port is right.",
        ),
    )
    TIMEOUT = (
        "timeout",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.PATH, Blame.US),
            Retry.MID,
            "No answer to any connection attempt before the deadline.",
            "The host is off, a firewall drops the packets, NAT has no mapping, or our own firewall drops what we send.",
            "Check the peer's host and its firewall for the P2P port. With evidence.decided_by local, check our own: nft list ruleset.",
        ),
    )
    CONNECTION_RESET = (
        "connection_reset",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.THEM, Blame.PATH, Blame.US),
            Retry.MID,
            "The connection was reset before the handshake was answered.",
            "The peer's program closes at once or crashed, or a middlebox on the path resets connections.",
            "Look at the peer's log at this time. If unrelated peers reset too, look for a middlebox on our side.",
        ),
    )
    CONNECTION_ABORTED = (
        "connection_aborted",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "This machine aborted the connection.",
            "An administrator or a program killed the socket (ss -K), or the network interface changed.",
            "Find who ends sockets here: interface changes in the system log, or a program that calls ss -K.",
        ),
    )
    NOT_CONNECTED = (
        "not_connected",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "The socket was no longer connected when it was used.",
            "The connection died between two of our steps.",
            "One is a race and needs nothing. Many are a bug in the dialing program: report it with the evidence.",
        ),
    )
    ADDR_NOT_AVAILABLE = (
        "addr_not_available",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.WHEN_CONFIG_CHANGES,
            "This machine has no local address it could dial from.",
            "IPv6 is switched off by sysctl, or the address to bind is not on this machine.",
            "Check: ip address show, and sysctl net.ipv6.conf.all.disable_ipv6. Else set ipv4_only = true.",
        ),
    )
    NETWORK_UNREACHABLE = (
        "network_unreachable",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US, Blame.PATH),
            Retry.SHORT,
            "There is no route to that network.",
            "This machine is offline or has no default route (decided_by local), or a router said so (icmp with its hop).",
            "Check: ip route get ADDRESS. If evidence.icmp names a hop, ask who runs that router.",
        ),
    )
    HOST_UNREACHABLE = (
        "host_unreachable",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.PATH, Blame.US),
            Retry.MID,
            "The network was reached, the host was not.",
            "The host is off (nobody answered for its address), a firewall prohibits it, or a route here says unreachable.",
            "Check that the host is up. If evidence.icmp names a hop, ask who runs it; with decided_by local see: ip route get ADDRESS.",
        ),
    )
    EPHEMERAL_PORTS_EXHAUSTED = (
        "ephemeral_ports_exhausted",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "This machine has no free local port left for that destination.",
            "net.ipv4.ip_local_port_range is narrow, or many connections wait in TIME_WAIT.",
            "Check: ss -s, and sysctl net.ipv4.ip_local_port_range. Widen the range or close connections.",
        ),
    )
    FD_EXHAUSTED = (
        "fd_exhausted",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "This process or machine has no file descriptor left.",
            "The limit of open files is low, or the program leaks descriptors.",
            "Check: ls /proc/PID/fd | wc -l against ulimit -n. Raise the limit (LimitNOFILE in the service).",
        ),
    )
    PERMISSION_DENIED = (
        "permission_denied",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.WHEN_CONFIG_CHANGES,
            "This machine does not permit the connection.",
            "A prohibit route, a firewall, a sandbox or a security module.",
            "Check: ip route get ADDRESS, nft list ruleset, and the sandbox settings of the service.",
        ),
    )
    ROUTE_BLACKHOLE = (
        "route_blackhole",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.WHEN_CONFIG_CHANGES,
            "A blackhole route on this machine swallows that destination.",
            "Somebody, or a routing daemon, set a blackhole route here.",
            "Check: ip route show type blackhole. Remove it with: ip route del blackhole NETWORK.",
        ),
    )
    FAMILY_UNAVAILABLE = (
        "family_unavailable",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.WHEN_CONFIG_CHANGES,
            "This machine cannot make sockets of that address family.",
            "IPv6 is off in the kernel, or a sandbox restricts address families.",
            "Set ipv4_only = true, or allow the family (RestrictAddressFamilies in the service).",
        ),
    )
    NO_MEMORY = (
        "no_memory",
        _Row(
            Phase.CONNECT,
            Kind.FAILURE,
            (Blame.US,),
            Retry.SHORT,
            "The kernel had no memory or buffer space for the connection.",
            "Memory pressure, or a memory limit on the service.",
            "Check: free -m, the memory limit of the service, and sysctl net.ipv4.tcp_mem.",
        ),
    )

    # ---- secure ---------------------------------------------------------------------------------------------------
    NOT_OUR_PROTOCOL = (
        "not_our_protocol",
        _Row(
            Phase.SECURE,
            Kind.FAILURE,
            (Blame.THEM,),
            Retry.LONG,
            "Another protocol answered; evidence.speaks names it where it is known.",
            "The published port is not the peer's P2P port, most often its HTTP port.",
            "Correct the port in the seed list, or tell the peer to publish its P2P port.",
        ),
    )

    # ---- handshake ------------------------------------------------------------------------------------------------
    HANDSHAKE_TIMEOUT = (
        "handshake_timeout",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.THEM, Blame.US, Blame.PATH),
            Retry.MID,
            "The connection stood, but the handshake was not complete within its window.",
            "The peer is overloaded or stuck, or our own event loop was late (evidence.loop_lag_s).",
            "See evidence.bytes_received: 0 means it never answered. Check the peer's load, then ours.",
        ),
    )
    REMOTE_CLOSED = (
        "remote_closed",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.THEM, Blame.US, Blame.PATH),
            Retry.MID,
            "The peer closed the connection in order, without answering the handshake.",
            "A peer or load balancer that drops us without saying why: full, rate limit, or an old version.",
            "Look at the peer's log at this time; it alone knows why.",
        ),
    )
    VERSION_MISMATCH = (
        "version_mismatch",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.US, Blame.THEM),
            Retry.LONG,
            "The protocol versions of the two nodes do not overlap; evidence has both ranges.",
            "One side is out of date.",
            "Update the side with the lower range: ours or theirs in the evidence.",
        ),
    )
    GENESIS_MISMATCH = (
        "genesis_mismatch",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.US, Blame.THEM),
            Retry.LONG,
            "The peer belongs to another network or chain; evidence has both.",
            "network or genesis is set wrongly here, or the address belongs to another network.",
            "Compare network and genesis under [node] with those of the network that you want.",
        ),
    )
    BANNED = (
        "banned",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.US,),
            Retry.LONG,
            "The peer says that it bans us.",
            "This node, or another behind the same address, broke the peer's rules.",
            "Ask who runs the peer for the reason; the ban ends at evidence.until_unix where it is known.",
        ),
    )
    TICKET_INVALID = (
        "ticket_invalid",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.US, Blame.THEM),
            Retry.MID,
            "The peer refused our admission ticket, or we refused the peer's (stated_by us); evidence.ticket says why.",
            "The ticket is missing, expired, or made for another node.",
            "Have a new one made: nocarrier ticket issue, then set ticket under [node]. If it says not_yet_valid, check the clocks.",
        ),
    )
    TOO_MANY_PEERS = (
        "too_many_peers",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.NONE,),
            Retry.MID,
            "The peer is alive and has no free place.",
            "Normal in a busy network.",
            "Nothing to do; if most peers say so, the network needs more nodes that accept connections.",
        ),
    )
    DUPLICATE_CONNECTION = (
        "duplicate_connection",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.NONE,),
            Retry.NOT_APPLICABLE,
            "Both nodes dialed each other at once, and the other connection is the one that stays.",
            "Normal.",
            "Nothing to do.",
        ),
    )
    PEER_ID_MISMATCH = (
        "peer_id_mismatch",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.THEM,),
            Retry.NEVER,
            "Another node than the expected one proved its identity at that address.",
            "The peer made a new key, or the address now belongs to another node.",
            "Evidence has both ids. If the change is meant, remove the old entry from the seeds or the peer book.",
        ),
    )
    CLOCK_SKEW = (
        "clock_skew",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.US, Blame.THEM),
            Retry.MID,
            "The clocks of the two nodes differ by more than the limit; evidence has both.",
            "One machine has no time synchronisation.",
            "Check this machine first: timedatectl, or chronyc tracking.",
        ),
    )
    MALFORMED_HANDSHAKE = (
        "malformed_handshake",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.THEM,),
            Retry.LONG,
            "The peer speaks our framing, but what it said is undecodable, oversized or out of turn.",
            "A broken or hostile implementation.",
            "Tell who runs the peer; the detail says what was wrong.",
        ),
    )
    HANDSHAKE_ERROR = (
        "handshake_error",
        _Row(
            Phase.HANDSHAKE,
            Kind.FAILURE,
            (Blame.THEM,),
            Retry.MID,
            "The handshake failed in a way that no other reason covers; step and text are kept.",
            "An error in the handshake code of one side.",
            "Read the detail; if it points at the peer, tell who runs it.",
        ),
    )

    # ---- session --------------------------------------------------------------------------------------------------
    EARLY_DISCONNECT = (
        "early_disconnect",
        _Row(
            Phase.SESSION,
            Kind.DISCONNECT,
            (Blame.THEM,),
            Retry.MID,
            "The session ended within 60 s of the handshake; the stated reason is kept.",
            "The peer has no use for us or stopped, or the path broke.",
            "Read the stated reason in the detail; without one, look at the peer's log at this time.",
        ),
    )

    # ---- any ------------------------------------------------------------------------------------------------------
    CANCELLED = (
        "cancelled",
        _Row(
            Phase.ANY,
            Kind.CANCELLED,
            (Blame.NONE,),
            Retry.NOT_APPLICABLE,
            "Our own code ended the dial before it had an outcome.",
            "The caller's own deadline, a shutdown, or another address that won.",
            "If it is your deadline, give it more than phase and duration show; else nothing to do.",
        ),
    )
    OTHER = (
        "other",
        _Row(
            Phase.ANY,
            Kind.FAILURE,
            (Blame.NONE,),
            Retry.MID,
            "Nothing in the table covers it; type, errno and text are kept in the detail.",
            "A gap in this table.",
            "Report it to nocarrier with the detail, so that it gets a name.",
        ),
    )
    # fmt: on


HANDSHAKE_VERDICTS = frozenset(
    {
        Reason.VERSION_MISMATCH,
        Reason.GENESIS_MISMATCH,
        Reason.BANNED,
        Reason.TICKET_INVALID,
        Reason.TOO_MANY_PEERS,
        Reason.CLOCK_SKEW,
        Reason.PEER_ID_MISMATCH,
        Reason.DUPLICATE_CONNECTION,
    }
)
"""Verdicts for which both sides must have said who they are: whatever became of the dial, a peer lives there."""
