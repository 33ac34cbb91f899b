"""Faults of links, routes and firewalls: on this machine, on the way, and at the peer."""

from __future__ import annotations

from lab.scenario import Remedy, Scenario, Step, after, at_start, once_connected
from lab.stage import Stage
from lab.steps import (
    absent_peer,
    bad_node,
    bad_server,
    firewall,
    firewall_of_bad_peers,
    ip_here,
    kill_good,
    lift_firewall,
    link_down,
    link_up,
    restart_bad,
    restart_good,
)
from lab.wire import WireSettings

NEW_CONNECTIONS = "tcp flags & (syn | ack) == syn"
"""nft(8): the first packet of a connection."""

WITH_CONTENT = "tcp flags & (syn | ack | psh) == ack | psh"
"""nft(8): a packet that carries data."""

EVERYWHERE = ("0.0.0.0/1", "128.0.0.0/1")
"""More specific than any default route, as the kill switch of a VPN sets it; the local network stays reachable."""

BACKOFF_AND_DIAL_S = 60.0
"""A peer that failed once is dialed again after 24 to 36 s; then the doctor has to look."""

SESSIONS_DIE_S = 60.0
"""A session without a byte for 45 s is given up, and pings go out every 15 s."""

PATIENT = {"connect_timeout_s": 10.0, "handshake_attempt_s": 12.0, "handshake_window_s": 36.0}
"""The product's own defaults."""

LAST_ATTEMPT_TELLS = {"handshake_attempt_s": 4.0, "handshake_window_s": 8.0}
"""The kernel sends a segment again 0.2, 0.6 and 1.4 s after the first time; three times in vain are evidence. Only the
last connection of a dial counts, and it may have no more than half an attempt."""

LONG_TICKET = "x" * 3_000
"""Makes our Hello larger than one segment. Peers without an admission key do not read it."""


def routes_here(kind: str) -> Step:
    """Routes of our own that refuse everything: prohibit, blackhole or unreachable."""

    def step(stage: Stage) -> None:
        for network in EVERYWHERE:
            stage.world.here.ip("route", "add", kind, network)

    return step


def remove_routes_here(kind: str) -> Step:
    """Remove them again."""

    def step(stage: Stage) -> None:
        for network in EVERYWHERE:
            stage.world.here.ip("route", "del", kind, network)

    return step


def prohibit_one_network(stage: Stage) -> None:
    """A route of our own that refuses the network of one bad peer."""
    stage.world.here.ip("route", "add", "prohibit", stage.bad[0].place.network)


def drop_to_bad_peers(stage: Stage) -> None:
    """A firewall rule of our own that drops what is sent to the bad peers."""
    for peer in stage.bad:
        stage.world.firewall(stage.world.here, "output", f"ip daddr {peer.place.ipv4} drop")


def remove_the_route(stage: Stage) -> None:
    """The backbone has no route to the networks of the bad peers."""
    for peer in stage.bad:
        stage.world.unroute(peer.place)


def silent_link(role: str) -> Step:
    """The bad peers should be on the link of that host, but nobody answers for them there."""

    def step(stage: Stage) -> None:
        for peer in stage.bad:
            stage.world.expect_on_link(peer.place, by=getattr(stage.world, role))

    return step


def drop_large_packets(stage: Stage) -> None:
    """A tunnel on the way takes less than a full segment, and the error that says so is lost."""
    assert stage.world.wire is not None
    stage.world.wire.set(mtu_bytes=stage.rng.randint(1_290, 1_450))


def lose_power(stage: Stage) -> None:
    """One good peer vanishes without a last packet."""
    peer = stage.rng.choice(stage.good)
    stage.good.remove(peer)
    stage.bad.append(peer)
    stage.world.drop_place(peer.place)  # first, so that no goodbye gets out
    stage.peers.kill(peer.name)


def dial_by_hand(stage: Stage) -> None:
    """The operator dials some addresses."""
    for _ in range(3):
        stage.add_absent(known_as="direct", carried=True)


def restart_most(stage: Stage) -> None:
    """All good peers but one say goodbye and come back at once."""
    restart_good(stage, all_but=1)


SCENARIOS = (
    Scenario(
        name="healthy",
        what="Nothing is wrong.",
        expected_reason=None,
        expected_cause=None,
    ),
    # ---- at the peer -----------------------------------------------------------------------------------------------
    Scenario(
        name="closed_port",
        what="Nothing listens on the port of one or two peers.",
        faults=(at_start(bad_server("closed_port", (1, 2))),),
        expected_reason="connection_refused",
        expected_cause="peer_down",
    ),
    Scenario(
        name="peer_crashes",
        what="A connected peer's program dies, and its machine answers with resets.",
        faults=(once_connected(kill_good(1)),),
        expected_reason="connection_refused",
        expected_cause="peer_down",
        needs_s=BACKOFF_AND_DIAL_S,
        remedy=Remedy(says="check that the program runs there", step=restart_bad, clears_within_s=120),
    ),
    Scenario(
        name="peer_loses_power",
        what="A connected peer vanishes without a last packet, and the session stays half open.",
        faults=(once_connected(lose_power),),
        expected_reason="timeout",
        expected_cause="peer_down",
        needs_s=SESSIONS_DIE_S + BACKOFF_AND_DIAL_S,
    ),
    Scenario(
        name="host_down",
        what="One or two peers are switched off; their networks are routed, but nobody answers.",
        faults=(at_start(absent_peer((1, 2))),),
        expected_reason="timeout",
        expected_cause="peer_down",
    ),
    Scenario(
        name="peer_firewall_drops",
        what="The firewall of one peer drops what we send; from here it looks as if the machine were off.",
        faults=(at_start(bad_node(), firewall_of_bad_peers("drop")),),
        expected_reason="timeout",
        expected_cause="peer_down",
    ),
    Scenario(
        name="peer_firewall_resets",
        what="The firewall of one peer answers like a closed port.",
        faults=(at_start(bad_node(), firewall_of_bad_peers("reject with tcp reset")),),
        expected_reason="connection_refused",
        expected_cause="peer_down",
    ),
    Scenario(
        name="peer_firewall_port_unreachable",
        what="The firewall of one peer says that the port is unreachable, which its own TCP never would.",
        faults=(at_start(bad_node(), firewall_of_bad_peers("reject with icmpx port-unreachable")),),
        expected_reason="connection_refused",
        expected_cause="peer_firewalled",
    ),
    Scenario(
        name="peer_firewall_prohibits",
        what="The firewall of one peer says that it prohibits the connection.",
        faults=(at_start(bad_node(), firewall_of_bad_peers("reject with icmpx admin-prohibited")),),
        expected_reason="host_unreachable",
        expected_cause="peer_firewalled",
        remedy=Remedy(says="to let TCP in to", step=lift_firewall("internet"), clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="backlog_full",
        what="A peer's queue of new connections is full, so its kernel drops our SYN.",
        faults=(at_start(bad_server("backlog_full")),),
        expected_reason="timeout",
        expected_cause="peer_down",
    ),
    Scenario(
        name="reset_after_accept",
        what="One peer resets every connection at once.",
        faults=(at_start(bad_server("reset")),),
        expected_reason="connection_reset",
        expected_cause="peer_closes",
    ),
    Scenario(
        name="close_after_accept",
        what="One peer closes every connection at once, properly.",
        faults=(at_start(bad_server("close")),),
        expected_reason="remote_closed",
        expected_cause="peer_closes",
    ),
    Scenario(
        name="reset_after_hello",
        what="One peer resets the connection once it has received our Hello.",
        faults=(at_start(bad_server("reset_after_first_bytes")),),
        expected_reason="connection_reset",
        expected_cause="peer_closes",
    ),
    # ---- on the way ------------------------------------------------------------------------------------------------
    Scenario(
        name="no_route_to_one_network",
        what="A router on the way has no route to the network of one peer.",
        faults=(at_start(bad_node(), remove_the_route),),
        expected_reason="network_unreachable",
        expected_cause="partition",
    ),
    Scenario(
        name="silence_on_the_last_link",
        what="The last router asks for one peer's hardware address, and nobody answers.",
        faults=(at_start(absent_peer(), silent_link("backbone")),),
        timing={"connect_timeout_s": 5.0},  # the router gives up after 3 s, and then says so
        expected_reason="host_unreachable",
        expected_cause="peer_down",
    ),
    Scenario(
        name="silence_behind_the_gateway",
        what="Our gateway asks for one peer's hardware address, and nobody answers.",
        faults=(at_start(absent_peer(), silent_link("gateway")),),
        timing={"connect_timeout_s": 5.0},
        expected_reason="host_unreachable",
        expected_cause="peer_down",
    ),
    Scenario(
        name="silence_on_our_link",
        what="One peer should be on our own link, but nobody answers for its address.",
        faults=(at_start(absent_peer(), silent_link("here")),),
        timing={"connect_timeout_s": 5.0},
        expected_reason="host_unreachable",
        expected_cause="peer_down",
    ),
    Scenario(
        name="half_the_round_trips_lost",
        what="Half of all round trips are lost, but with the usual timeouts most dials succeed.",
        wire=WireSettings(loss=0.29),  # each way: 1 - 0.71 ** 2 is a half
        timing=PATIENT,
        watch_s=60,
        connects=0.5,
        expected_reason=None,
        expected_cause=None,
    ),
    Scenario(
        name="slow_satellite",
        what="Every round trip takes 600 ms.",
        wire=WireSettings(delay_s=0.3),
        expected_reason=None,
        expected_cause=None,
    ),
    Scenario(
        name="mtu_black_hole",
        what="Something on the way silently drops large packets.",
        wire=WireSettings(),
        options={"ticket": LONG_TICKET},
        timing=LAST_ATTEMPT_TELLS,
        faults=(at_start(drop_large_packets),),
        expected_reason="handshake_timeout",
        expected_cause="path_mtu",
        remedy=Remedy(
            says="mtu 1280", step=ip_here("link", "set", "eth0", "mtu", "1280"), clears_within_s=BACKOFF_AND_DIAL_S
        ),
    ),
    Scenario(
        name="mtu_black_hole_towards_us",
        what="Large packets from peers are dropped, and what we send is small.",
        wire=WireSettings(),
        peer_options={"ticket": LONG_TICKET},
        timing=LAST_ATTEMPT_TELLS,
        faults=(at_start(drop_large_packets),),
        expected_reason="handshake_timeout",
        expected_cause="path_mtu",
    ),
    Scenario(
        name="hellos_reset_on_the_way",
        what="Something on the way accepts connections and resets each one when it carries a Hello.",
        faults=(at_start(firewall("backbone", "forward", f"iifname gateway {WITH_CONTENT} reject with tcp reset")),),
        expected_reason="connection_reset",
        expected_cause="middlebox",
    ),
    # ---- near this machine ---------------------------------------------------------------------------------------
    Scenario(
        name="gateway_prohibits",
        what="Our gateway says that it prohibits every connection.",
        faults=(at_start(firewall("gateway", "forward", "iifname lan reject with icmpx admin-prohibited")),),
        expected_reason="host_unreachable",
        expected_cause="outbound_blocked",
        remedy=Remedy(says="to let TCP out", step=lift_firewall("gateway"), clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="gateway_prohibits_later",
        what="Our gateway begins to prohibit new connections, and the peers restart.",
        behind_nat=True,  # otherwise they dial us
        faults=(
            once_connected(
                firewall("gateway", "forward", f"{NEW_CONNECTIONS} reject with icmpx admin-prohibited"), restart_good
            ),
        ),
        expected_reason="host_unreachable",
        expected_cause="outbound_blocked",
        needs_s=BACKOFF_AND_DIAL_S,  # their sessions were short, so they wait first
    ),
    Scenario(
        name="gateway_drops_new_connections",
        what="Our gateway begins to drop new connections, both ways, and all peers but one restart.",
        good_peers=(5, 6),
        faults=(once_connected(firewall("gateway", "forward", f"{NEW_CONNECTIONS} drop"), restart_most),),
        expected_reason="timeout",
        expected_cause="outbound_blocked",
        needs_s=BACKOFF_AND_DIAL_S,  # their sessions were short, so they wait first
    ),
    Scenario(
        name="uplink_dead",
        what="The gateway works, but everything behind it is dropped.",
        faults=(at_start(firewall("backbone", "forward", "drop")),),
        expected_reason="timeout",
        expected_cause="offline",
        remedy=Remedy(says="ping", step=lift_firewall("backbone"), clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="uplink_dies_later",
        what="Everything behind the gateway begins to be dropped while all peers are connected.",
        faults=(once_connected(firewall("backbone", "forward", "drop")),),
        expected_reason="timeout",
        expected_cause="offline",
        needs_s=SESSIONS_DIE_S + BACKOFF_AND_DIAL_S,
    ),
    Scenario(
        name="uplink_unreachable",
        what="The gateway has lost its own route out, and says that every network is unreachable.",
        faults=(at_start(firewall("gateway", "forward", "reject with icmpx no-route")),),
        expected_reason="network_unreachable",
        expected_cause="offline",
    ),
    # ---- on this machine -----------------------------------------------------------------------------------------
    Scenario(
        name="own_firewall_drops",
        what="A rule of this machine drops what it sends.",
        faults=(at_start(firewall("here", "output", "oifname eth0 meta l4proto tcp drop")),),
        expected_reason="timeout",
        expected_cause="outbound_blocked",
        remedy=Remedy(says="nft list ruleset", step=lift_firewall("here"), clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="own_firewall_drops_one_peer",
        what="A rule of this machine drops what it sends to one peer.",
        faults=(at_start(bad_node(), drop_to_bad_peers),),
        expected_reason="timeout",
        expected_cause="outbound_blocked",
    ),
    Scenario(
        name="own_firewall_drops_later",
        what="A rule of this machine begins to drop new connections, and the peers restart.",
        behind_nat=True,
        faults=(once_connected(firewall("here", "output", f"oifname eth0 {NEW_CONNECTIONS} drop"), restart_good),),
        expected_reason="timeout",
        expected_cause="outbound_blocked",
        needs_s=BACKOFF_AND_DIAL_S,  # their sessions were short, so they wait first
    ),
    Scenario(
        name="own_firewall_rejects",
        what="A rule of this machine refuses what it sends: port unreachable, the default of nft's reject.",
        faults=(at_start(firewall("here", "output", "oifname eth0 meta l4proto tcp reject")),),
        expected_reason="connection_refused",
        expected_cause="outbound_blocked",
    ),
    Scenario(
        name="own_firewall_prohibits",
        what="A rule of this machine refuses what it sends as prohibited.",
        faults=(
            at_start(firewall("here", "output", "oifname eth0 meta l4proto tcp reject with icmpx admin-prohibited")),
        ),
        expected_reason="host_unreachable",
        expected_cause="outbound_blocked",
    ),
    Scenario(
        name="own_prohibit_routes",
        what="Routes of this machine prohibit everything.",
        faults=(at_start(routes_here("prohibit")),),
        expected_reason="permission_denied",
        expected_cause="outbound_blocked",
        remedy=Remedy(says="ip route del", step=remove_routes_here("prohibit"), clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="own_blackhole_routes",
        what="Routes of this machine silently drop everything.",
        faults=(at_start(routes_here("blackhole")),),
        expected_reason="route_blackhole",
        expected_cause="outbound_blocked",
    ),
    Scenario(
        name="own_unreachable_routes",
        what="Routes of this machine report everything as unreachable.",
        faults=(at_start(routes_here("unreachable")),),
        expected_reason="host_unreachable",
        expected_cause="outbound_blocked",
    ),
    Scenario(
        name="own_prohibit_route_for_one_network",
        what="A route of this machine prohibits the network of one peer.",
        faults=(at_start(bad_node(), prohibit_one_network),),
        expected_reason="permission_denied",
        expected_cause="outbound_blocked",
    ),
    Scenario(
        name="link_down_at_start",
        what="The cable is out when the node starts.",
        faults=(at_start(link_down),),
        expected_reason="network_unreachable",
        expected_cause="offline",
        remedy=Remedy(says="ip link set", step=link_up),
    ),
    Scenario(
        name="link_down_later",
        what="The cable is pulled while everything works, and the operator dials by hand.",
        faults=(once_connected(link_down), after(1, dial_by_hand)),
        expected_reason="network_unreachable",
        expected_cause="offline",
        remedy=Remedy(says="ip link set", step=link_up),
    ),
    Scenario(
        name="no_default_route",
        what="This machine has no default route.",
        faults=(at_start(ip_here("route", "del", "default")),),
        expected_reason="network_unreachable",
        expected_cause="offline",
        remedy=Remedy(says="ip route", step=lambda stage: stage.world.add_default_routes()),
    ),
)
