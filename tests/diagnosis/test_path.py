"""What is on the way: something that answers for every peer, lost large packets, a partition, a remote firewall."""

from __future__ import annotations

from tests.diagnosis.table import Table, check_near_miss, check_raised, codes, finding_of, near_misses, raised, row
from tests.diagnosis.world import GATEWAY, HOUR, MINUTE, World, icmp, neighbours, peer, peers

NODE = World().with_node()
PORTAL = {"speaks": "http", "first_bytes": "485454502f31"}
RST_AFTER_HELLO = {"bytes_received": 0, "errno": "ECONNRESET"}
FAR = "198.51.100.1"

BOX = Table(
    "middlebox",
    raised={
        "a captive portal answers everywhere": row(
            NODE.fails(peers(3), "not_our_protocol", **PORTAL),
            first=True,
            severity="critical",
            blame="path",
            says="3 peers in 3 unrelated networks, each time with http; no dial gets through",
            does=f"curl -si http://{peer(1)}/",
            hides=("wrong_port_published",),
        ),
        "resets after our hello": row(
            NODE.fails(peers(2), "connection_reset", phase="handshake", **RST_AFTER_HELLO),
            first=True,
            says="a reset after the hello was sent",
        ),
        "resets that a program recorded without saying when and in which phase": row(
            World().reports(peers(6), "connection_reset", "seed"),
            first=True,
            says="6 peers in 6 unrelated networks, each time with a reset after the hello was sent",
        ),
        "the same unknown bytes": row(
            NODE.fails(peers(2), "not_our_protocol", first_bytes="0102030405060708"), says="bytes 010203040506"
        ),
        "a portal that has been there since a while, and an older wrong port": row(
            NODE.fails(peer(9), "not_our_protocol", ago_s=5 * HOUR, **PORTAL)
            .works(peer(8), ago_s=HOUR)
            .fails(peers(2), "not_our_protocol", **PORTAL),
            affected_peers=2,
        ),
        "sessions outlive it, and peers that were other programs before show it": row(
            NODE.session(peer(9)).works(peers(2), ago_s=HOUR).fails(peers(2), "not_our_protocol", **PORTAL),
            severity="warning",
        ),
    },
    near_misses={
        "one wrong port": row(NODE.fails(peer(1), "not_our_protocol", **PORTAL), instead="wrong_port_published"),
        "wrong ports in one network": row(
            NODE.fails(neighbours(4), "not_our_protocol", **PORTAL), instead="wrong_port_published"
        ),
        "a dial got through since": row(
            NODE.fails(peers(3), "not_our_protocol", ago_s=60, **PORTAL).works(peer(9), ago_s=20),
            instead="wrong_port_published",
        ),
        "published HTTP ports": row(
            NODE.fails(["203.1.0.9:7070", "203.2.0.9:7070"], "not_our_protocol", **PORTAL),
            instead="wrong_port_published",
        ),
        "web servers where web servers live": row(
            NODE.fails(["203.1.0.9:80", "203.2.0.9:80"], "not_our_protocol", **PORTAL), instead="wrong_port_published"
        ),
        "different protocols": row(
            NODE.fails(peer(1), "not_our_protocol", **PORTAL).fails(peer(2), "not_our_protocol", speaks="ssh"),
            instead="wrong_port_published",
        ),
        "wrong ports beside living sessions": row(
            NODE.session(peers(3)).fails(peers(3, first=10), "not_our_protocol", ago_s=20, **PORTAL),
            instead="wrong_port_published",
        ),
        "wrong ports beside sessions of a program without a node": row(
            World().works(peers(3), ago_s=2 * HOUR).fails(peers(3, first=10), "not_our_protocol", **PORTAL),
            instead="wrong_port_published",
        ),
        "resets before anything was said": row(
            NODE.fails(peers(3), "connection_reset", phase="connect"), instead="peer_closes"
        ),
    },
)

MTU = Table(
    "path_mtu",
    raised={
        "large packets that we send are lost": row(
            NODE.session(peer(1))
            .fails(peer(9), "handshake_timeout", bytes_received=0, large_segments_lost="sent")
            .on(interfaces_up=("eth0",)),
            first=True,
            severity="warning",
            blame="path",
            says=f"the path to 1 peer ({peer(9)})",
            does="ip link set dev eth0 mtu 1280",
            hides=("peer_overloaded",),
        ),
        "large packets that they send are lost": row(
            NODE.fails(peers(2), "handshake_timeout", bytes_received=90, large_segments_lost="received"),
            severity="critical",
            says="2 peers",
        ),
        "they gave up first": row(
            NODE.session(peer(1)).fails(peer(9), "remote_closed", bytes_received=0, large_segments_lost="sent"),
            hides=("peer_closes",),
        ),
    },
    near_misses={
        "silence after hello without a sign of loss": row(
            NODE.session(peer(1)).fails(peer(9), "handshake_timeout", bytes_received=0), instead="peer_overloaded"
        ),
        "segments were sent again, and none was lost for good": row(
            NODE.session(peer(1)).fails(peer(9), "handshake_timeout", bytes_received=0, data_retransmits=2),
            instead="peer_overloaded",
        ),
        "nonsense for a direction": row(
            NODE.session(peer(1)).fails(peer(9), "handshake_timeout", bytes_received=0, large_segments_lost=["sent"]),
        ),
        "our late loop": row(
            NODE.session(peer(1)).fails(peer(9), "handshake_timeout", bytes_received=0, loop_lag_s=20.0),
            instead="local_overload",
        ),
    },
)

CUT_OFF = Table(
    "partition",
    raised={
        "half of the peers fell silent together": row(
            NODE.with_node(lost=peers(3, first=10))
            .session(peers(3))
            .works(peers(3, first=10), ago_s=HOUR)
            .fails(peers(3, first=10), "timeout"),
            first=True,
            severity="warning",
            blame="path",
            says="3 peers in 203.10.0.0/16, 203.11.0.0/16, 203.12.0.0/16 cannot be reached from this machine, while 3",
            hides=("peer_down",),
        ),
        "and the addresses they named are silent too": row(
            NODE.with_node(lost=peers(2, first=10))
            .session(peers(3))
            .works(peers(2, first=10), ago_s=HOUR)
            .fails(peers(2, first=10), "timeout")
            .fails(peer(20), "timeout", via=peer(10)),
            affected_peers=3,
        ),
        "a whole network silent in which several worked": row(
            NODE.session(peers(3)).works(neighbours(3), ago_s=HOUR).fails(neighbours(3), "timeout"),
            says="198.18.0.0/16",
            severity="warning",
        ),
        "a router knows no way to a network": row(
            NODE.session(peers(3))
            .works(neighbours(2), ago_s=HOUR)
            .fails(neighbours(2), "network_unreachable", **icmp(3, 0, FAR)),
            severity="warning",
            does=f"the operator of the router {FAR}",
        ),
        "a router has no route to one address that was named": row(
            NODE.session(peers(3)).fails(peer(9), "network_unreachable", **icmp(3, 0, FAR)), severity="info"
        ),
        "four hosts of one network, named by two peers": row(
            NODE.session(peers(3))
            .fails(neighbours(2), "timeout", via=peer(1))
            .fails(neighbours(2, first=3), "timeout", via=peer(2)),
            severity="info",
        ),
        "a program without a node": row(
            World().works(peers(3), ago_s=HOUR).works(neighbours(3), ago_s=HOUR).fails(neighbours(3), "timeout")
        ),
    },
    near_misses={
        "one silent host is that host": row(
            NODE.session(peers(3)).works(peer(9), ago_s=HOUR).fails(peer(9), "timeout"), instead="peer_down"
        ),
        "two ports of one silent host": row(
            NODE.session(peers(3))
            .works(["198.18.1.9:1", "198.18.1.9:2"], ago_s=HOUR)
            .fails(["198.18.1.9:1", "198.18.1.9:2"], "timeout"),
            instead="peer_down",
        ),
        "two dead addresses of a popular network, named by two peers": row(
            NODE.session(peers(3))
            .fails(neighbours(1), "timeout", via=peer(1))
            .fails(neighbours(1, first=2), "timeout", via=peer(2)),
            instead="peer_down",
        ),
        "a peer in that network works": row(
            NODE.session([*peers(2), *neighbours(1)])
            .works(neighbours(3, first=2), ago_s=HOUR)
            .fails(neighbours(3, first=2), "timeout"),
            instead="peer_down",
        ),
        "a host in that network refuses, and so answers": row(
            NODE.session(peers(2))
            .works(neighbours(3), ago_s=HOUR)
            .fails(neighbours(3), "timeout")
            .fails(neighbours(1, first=9), "connection_refused"),
            instead="peer_down",
        ),
        "one introducer made them all up": row(
            NODE.session(peers(3)).fails(neighbours(8), "timeout", via=peer(1)), instead="stale_source"
        ),
        "an old peer book": row(
            NODE.session(peers(3)).fails(neighbours(6), "timeout", "peer_book"), instead="stale_source"
        ),
        "no peer works: it is the whole network, and not a part": row(
            World().with_node(offline=True).works(neighbours(3), ago_s=HOUR).fails(neighbours(3), "timeout"),
            instead="offline",
        ),
        "they fell silent at different times": row(
            NODE.session(peers(3)).works(peers(2, first=10), ago_s=HOUR).fails(peers(2, first=10), "timeout"),
            instead="peer_down",
        ),
    },
)

THEIR_FIREWALL = Table(
    "peer_firewalled",
    raised={
        "its own machine prohibits it": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", **icmp(3, 13, "203.9.0.9")),
            first=True,
            severity="info",
            blame="path",
            says="1 peer",
            does=f"to let TCP in to {peer(9)}",
            hides=(),
        ),
        "port unreachable, which its own TCP would never say": row(
            NODE.session(peer(1)).fails(peer(9), "connection_refused", **icmp(3, 3, "203.9.0.9")),
            hides=("peer_down",),
        ),
        "a rule forbids it, and the hop was not recorded": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", icmp={"type": 3, "code": 13}),
            does="Ask the operator of 203.9.0.9:7072 to open that port",
        ),
        "silent on this port, and another port of the host answers": row(
            NODE.session("203.9.0.9:9000").fails(peer(9), "timeout"),
            says=f"A firewall blocks connections to 1 peer ({peer(9)})",
        ),
    },
    near_misses={
        "silence, and the host does not answer elsewhere": row(
            NODE.session(peer(1)).fails(peer(9), "timeout"), instead="peer_down"
        ),
        "a reset from the closed port": row(
            NODE.session(peer(1)).fails(peer(9), "connection_refused"), instead="peer_down"
        ),
        "its router says that the host no longer exists": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", **icmp(3, 1, "203.9.0.1")), instead="peer_down"
        ),
        "our own gateway prohibits it": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", **icmp(3, 13, GATEWAY)).on(gateways=(GATEWAY,)),
            instead="outbound_blocked",
        ),
        "our own machine prohibits it": row(
            NODE.session(peer(1)).fails(peer(9), "host_unreachable", decided_by="local", errno="EHOSTUNREACH"),
            instead="outbound_blocked",
        ),
    },
)

TABLES = (BOX, MTU, CUT_OFF, THEIR_FIREWALL)


@raised(*TABLES)
def test_it_is_found(code, expected):
    check_raised(code, expected)


@near_misses(*TABLES)
def test_it_is_not_found(code, expected):
    check_near_miss(code, expected)


def test_a_partition_and_a_poisoned_introducer_are_both_reported():
    world = NODE.with_node(lost=peers(3, first=10)).session(peers(3))
    world = world.works(peers(3, first=10), ago_s=HOUR).fails(peers(3, first=10), "timeout")
    assert codes(world.fails(peers(40, first=20), "timeout", via=peer(1))) == ["partition", "stale_source"]


def test_each_hop_is_reported_with_the_peers_it_refuses():
    world = NODE.session(peer(1)).fails(peer(8), "host_unreachable", **icmp(3, 13, "203.8.0.9"))
    world = world.fails(peer(9), "host_unreachable", **icmp(3, 13, FAR)).fails(
        peer(7), "host_unreachable", icmp={"type": 3, "code": 13}
    )
    told = {item.addrs: str(item.statement) for item in finding_of(world.diagnosis(), "peer_firewalled").evidence}
    assert told == {
        (peer(8),): "connection was refused by the peer's own machine: a rule forbids it",
        (peer(9),): f"connection was refused by {FAR}: a rule forbids it",
        (peer(7),): "connection was refused by something on the path: a rule forbids it",
    }


def test_more_networks_raise_the_confidence_in_a_middlebox():
    def confidence(count):
        return finding_of(NODE.fails(peers(count), "not_our_protocol", **PORTAL).diagnosis(), "middlebox").confidence

    assert confidence(2) < confidence(3) < confidence(6)


def test_an_old_error_from_a_router_no_longer_counts():
    world = NODE.session(peers(3)).fails(peer(9), "network_unreachable", ago_s=20 * MINUTE, **icmp(3, 0, FAR))
    assert codes(world) == []
