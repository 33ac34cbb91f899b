"""The table of all causes. Each is a file of its own; a new one is added here."""

from nocarrier.diagnose.causes import (
    banned_by_peers,
    clock_wrong,
    dialer_stuck,
    dns_broken,
    duplicates_only,
    ipv6_broken,
    local_exhaustion,
    local_overload,
    middlebox,
    network_full,
    nobody_to_dial,
    not_reachable,
    offline,
    outbound_blocked,
    partition,
    path_mtu,
    peer_broken,
    peer_closes,
    peer_down,
    peer_firewalled,
    peer_incompatible,
    peer_moved,
    peer_overloaded,
    peers_outdated,
    private_addresses_gossiped,
    retry_too_fast,
    seeds_down,
    seeds_misconfigured,
    stale_source,
    ticket_rejected,
    unexplained,
    version_outdated,
    wrong_network,
    wrong_port_published,
)
from nocarrier.diagnose.engine import in_order

CAUSES = in_order(
    module.CAUSE
    for module in (
        # What is ours comes first: it explains the most.
        outbound_blocked,
        offline,
        dns_broken,
        local_exhaustion,
        local_overload,
        clock_wrong,
        dialer_stuck,
        retry_too_fast,
        nobody_to_dial,
        seeds_misconfigured,
        version_outdated,
        wrong_network,
        ticket_rejected,
        banned_by_peers,
        # What lies between.
        ipv6_broken,
        middlebox,
        path_mtu,
        partition,
        # What many peers have in common.
        wrong_port_published,
        private_addresses_gossiped,
        stale_source,
        seeds_down,
        network_full,
        # What is wrong with single peers.
        peers_outdated,
        peer_moved,
        peer_firewalled,
        peer_overloaded,
        peer_closes,
        peer_broken,
        peer_incompatible,
        peer_down,
        not_reachable,
        duplicates_only,
        unexplained,
    )
)
"""Every cause there is, each after all that it depends on."""
