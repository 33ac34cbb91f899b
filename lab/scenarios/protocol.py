"""What is said in the protocol: versions, networks, bans, tickets, free slots, and answers in other protocols."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.scenario import Remedy, Scenario, Step, at_start, once_connected
from lab.stage import Stage, wait_until
from lab.steps import bad_node, bad_server, dial_good_peers, node_options, restart_good, restart_node
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.access.tickets import admission_key_of, issue

BACKOFF_AND_DIAL_S = 60.0
"""A peer that failed once is dialed again after 24 to 36 s; then the doctor has to look."""

TWO_BACKOFFS_S = 180.0
"""The first wait ends within the minute of the throttle: 24 to 36 s, then 48 to 72 s."""

DAY_S = 86_400.0

NEW_VERSIONS: dict[str, Any] = {"protocol_version": 4, "min_protocol_version": 3}
OLD_VERSIONS: dict[str, Any] = {"protocol_version": 2, "min_protocol_version": 1}


def own_node_id(stage: Stage) -> str:
    """The id of the node under test, which it has from its first start on."""
    return Identity.load_or_create(Path(stage.node.options["data_dir"]) / "node_key.pem").node_id


# ---- networks -------------------------------------------------------------------------------------------------------


def other_chain(stage: Stage) -> dict[str, Any]:
    """Another genesis, or another name of the network."""
    return stage.rng.choice(
        ({"genesis": f"{stage.rng.getrandbits(256):064x}"}, {"network": f"other-{stage.rng.randrange(1_000)}"})
    )


def we_are_on_another_chain(stage: Stage) -> None:
    """Our settings are those of another network."""
    stage.node.options |= other_chain(stage)


def we_are_on_their_chain(stage: Stage) -> None:
    """Our settings are those of the peers."""
    stage.node.options |= stage.node_options()


def one_peer_on_another_chain(stage: Stage) -> None:
    """One peer has the settings of another network."""
    stage.add_node(**other_chain(stage))


# ---- bans -----------------------------------------------------------------------------------------------------------


def ban_us(number: int) -> Step:
    """Good peers ban us for some hours, by our address, our network or our node id; they become bad ones."""

    def step(stage: Stage) -> None:
        address = stage.world.public_ipv4
        network = str(ipaddress.ip_network(f"{address}/16", strict=False))
        target = stage.rng.choice((address, network, own_node_id(stage)))
        for peer in stage.rng.sample(stage.good, number):
            stage.peers.ban(peer.name, target, seconds=stage.rng.uniform(3_600, 36_000), because="too many requests")
            stage.good.remove(peer)
            stage.bad.append(peer)
        stage.notes["banned"] = target

    return step


def lift_bans(stage: Stage) -> None:
    """The operators of the peers that ban us were asked; we dial them by hand."""
    for peer in stage.bad:
        stage.peers.lift_ban(peer.name, stage.notes["banned"])
        stage.node.connect(peer.addr)


# ---- tickets --------------------------------------------------------------------------------------------------------


def issuer_of(stage: Stage) -> Ed25519PrivateKey:
    """The network's issuer; chosen at random like its genesis."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stage.node_options()["genesis"]))


def ticket_for(
    stage: Stage,
    node_id: str,
    *,
    issuer: Ed25519PrivateKey | None = None,
    since_unix: float | None = None,
) -> str:
    """A ticket for some days."""
    return issue(
        issuer or issuer_of(stage),
        node_id=node_id,
        network=stage.node_options()["network"],
        now_unix=time.time(),
        valid_for_s=stage.rng.uniform(2, 9) * DAY_S,
        not_before_unix=since_unix,
    )


_TICKETS: dict[str, Callable[[Stage], str]] = {
    "good": lambda stage: ticket_for(stage, own_node_id(stage)),
    "missing": lambda _: "",
    "expired": lambda stage: ticket_for(stage, own_node_id(stage), since_unix=time.time() - 10 * DAY_S),
    "not_yet_valid": lambda stage: ticket_for(stage, own_node_id(stage), since_unix=time.time() + DAY_S),
    "wrong_subject": lambda stage: ticket_for(stage, stage.rng.choice(stage.good).node_id),
    "bad_signature": lambda stage: ticket_for(stage, own_node_id(stage), issuer=Ed25519PrivateKey.generate()),
}


def we_show_ticket(kind: str) -> Step:
    """The node under test has a ticket of that kind."""
    return lambda stage: stage.node.options.update(ticket=_TICKETS[kind](stage))


def peers_want_tickets(stage: Stage) -> None:
    """The good peers show each other tickets, and admit no peer without one."""
    key = admission_key_of(issuer_of(stage))
    stage.peers.stop(*(peer.name for peer in stage.good))
    for peer in stage.good:
        stage.restart(peer, admission_key=key, ticket=ticket_for(stage, peer.node_id))


# ---- slots ----------------------------------------------------------------------------------------------------------


def one_peer_is_full(stage: Stage) -> None:
    """A peer has one slot, and another node has taken it."""
    peer = stage.add_node(seeds=[stage.rng.choice(stage.good).addr], target_peers=1, max_peers=1)
    wait_until(
        lambda: bool(stage.peers.status()[peer.name]["connected"]),
        within_s=20,
        what="another node takes the only slot",
    )


def give_it_more_places(stage: Stage) -> None:
    """The operator of that peer adds slots."""
    [peer] = stage.bad
    stage.peers.stop(peer.name)
    stage.restart(peer, max_peers=64)


# ---- other programs at the address ----------------------------------------------------------------------------------


def one_peer_has_a_new_key(stage: Stage) -> None:
    """A good peer comes back as another node, at the same address."""
    peer = stage.rng.choice(stage.good)
    stage.peers.stop(peer.name)
    stage.good.remove(peer)
    stage.bad.append(stage.restart(peer, new_identity=True, target_peers=0))  # it waits for us to dial


def intercept(kind: str) -> Step:
    """Our gateway redirects every new connection to a fault server of its own."""

    def step(stage: Stage) -> None:
        port = stage.world.gateway.fault_server(kind, host="0.0.0.0")
        stage.world.nat("prerouting", f"iifname lan meta l4proto tcp redirect to :{port}")

    return step


def log_in_at_the_portal(stage: Stage) -> None:
    """The gateway lets us through, and the operator dials by hand."""
    stage.world.gateway.nft("")
    dial_good_peers(stage)


# ---- too many dials -------------------------------------------------------------------------------------------------


def one_peer_throttles_us(kind: str) -> Step:
    """A good peer accepts one of our connections per minute, and treats each further one like a fault server."""

    def step(stage: Stage) -> None:
        peer = stage.rng.choice(stage.good)
        stage.notes["throttles"] = peer.addr
        port = stage.peers.start_server("throttle", peer.place.ipv4, 0, kind).port
        new = f"ip saddr {stage.world.public_ipv4} ip daddr {peer.place.ipv4} tcp dport {peer.port}"
        stage.world.internet.nft(
            "table ip throttle {\nchain incoming {\ntype nat hook prerouting priority 0;\n"
            f"{new} limit rate over 1/minute burst 1 packets dnat to {peer.place.ipv4}:{port}\n}}\n}}"
        )

    return step


def keep_dialing_it(stage: Stage) -> None:
    """That peer restarts, and a script on our side dials it every few seconds."""
    peer = next(peer for peer in stage.good if peer.addr == stage.notes["throttles"])
    stage.peers.stop(peer.name)
    stage.restart(peer)
    for _ in range(stage.rng.randint(6, 8)):
        stage.node.connect(peer.addr)
        time.sleep(stage.rng.uniform(1.5, 4.0))


def stop_dialing_by_hand(_: Stage) -> None:
    """The script leaves it to the node when to dial again."""


_TIMES_OUT = ("handshake_timeout", "peer_overloaded")
_BROKEN = ("malformed_handshake", "peer_broken")
_FOREIGN = ("not_our_protocol", "wrong_port_published")

SCENARIOS = (
    # ---- versions and networks -----------------------------------------------------------------------------------
    Scenario(
        name="own_version_too_old",
        what="Most peers speak only newer versions of the protocol.",
        options=OLD_VERSIONS,
        peer_options=NEW_VERSIONS,
        faults=(at_start(bad_node(known_as="seed", **OLD_VERSIONS)),),
        expected_reason="version_mismatch",
        expected_cause="version_outdated",
        expected_severity="warning",
        expected_blame="us",
        remedy=Remedy(says="raise protocol_version", step=restart_node(node_options(**NEW_VERSIONS))),
    ),
    Scenario(
        name="one_peer_too_old",
        what="One peer speaks only protocol versions that nobody accepts any more.",
        options=NEW_VERSIONS,
        peer_options=NEW_VERSIONS,
        faults=(at_start(bad_node(**OLD_VERSIONS)),),
        expected_reason="version_mismatch",
        expected_cause="peers_outdated",
        expected_severity="info",
        expected_blame="them",
    ),
    Scenario(
        name="own_chain_wrong",
        what="Our genesis or network is that of another network.",
        faults=(at_start(we_are_on_another_chain),),
        expected_reason="genesis_mismatch",
        expected_cause="wrong_network",
        expected_severity="critical",
        expected_blame="us",
        remedy=Remedy(says="Set genesis and network", step=restart_node(we_are_on_their_chain)),
    ),
    Scenario(
        name="one_peer_on_another_chain",
        what="The genesis or network of one peer is that of another network.",
        faults=(at_start(one_peer_on_another_chain),),
        expected_reason="genesis_mismatch",
        expected_cause="wrong_network",
        expected_severity="info",
        expected_blame="them",
    ),
    # ---- admission -----------------------------------------------------------------------------------------------
    Scenario(
        name="banned_by_one_peer",
        what="One peer bans us.",
        faults=(at_start(ban_us(1)),),
        expected_reason="banned",
        expected_cause="peer_incompatible",
        expected_severity="info",
    ),
    Scenario(
        name="banned_by_three_peers",
        what="Three peers begin to ban us.",
        good_peers=(5, 6),
        faults=(once_connected(ban_us(3)),),
        expected_reason="banned",
        expected_cause="banned_by_peers",
        expected_severity="warning",
        expected_blame="us",
        needs_s=BACKOFF_AND_DIAL_S,
        remedy=Remedy(says="Ask the operator of", step=lift_bans),
    ),
    *(
        Scenario(
            name=f"own_ticket_{kind}",
            what=f"The peers admit only nodes with a ticket, and ours is {kind.replace('_', ' ')}.",
            faults=(at_start(peers_want_tickets, we_show_ticket(kind)),),
            expected_reason="ticket_invalid",
            expected_cause="ticket_rejected",
            expected_severity="critical",
            expected_blame="us",
            remedy=Remedy(says="Ask the operator of the network", step=restart_node(we_show_ticket("good"))),
        )
        for kind in ("missing", "expired", "not_yet_valid", "wrong_subject", "bad_signature")
    ),
    Scenario(
        name="one_peer_full",
        what="One peer has no free slot.",
        faults=(at_start(one_peer_is_full),),
        expected_reason="too_many_peers",
        expected_cause="network_full",
        expected_severity="info",
        expected_blame="none",
        remedy=Remedy(says="raise max_peers", step=give_it_more_places, clears_within_s=BACKOFF_AND_DIAL_S),
    ),
    Scenario(
        name="most_peers_full",
        what="All peers but one have no free slot.",
        good_peers=(5, 5),
        peer_options={"max_peers": 4},  # the slots that the other peers take
        faults=(at_start(bad_node(known_as="seed")),),
        expected_reason="too_many_peers",
        expected_cause="network_full",
        expected_severity="warning",
        expected_blame="none",
    ),
    # ---- answers in no or another protocol -----------------------------------------------------------------------
    *(
        Scenario(
            name=name,
            what=what,
            faults=(at_start(bad_server(server)),),
            expected_reason=reason,
            expected_cause=cause,
            expected_blame="them",
        )
        for name, server, reason, cause, what in (
            ("peer_mute", "silent", *_TIMES_OUT, "One peer accepts our connections and never sends a byte."),
            ("peer_slow", "lab.servers:SLOW_HELLO", *_TIMES_OUT, "One peer sends its handshake a byte at a time."),
            (
                "oversized_frame",
                "lab.servers:OVERSIZED_FRAME",
                *_BROKEN,
                "One peer announces a message that is too large.",
            ),
            ("http_on_the_port", "http_bad_request", *_FOREIGN, "An HTTP server answers at a peer's address."),
            ("tls_on_the_port", "tls", *_FOREIGN, "A TLS server answers at a peer's address."),
            ("ssh_on_the_port", "ssh", *_FOREIGN, "An SSH server speaks at a peer's address."),
            ("slow_ssh_on_the_port", "dribble", *_FOREIGN, "An SSH server speaks there, one byte at a time."),
            ("garbage_on_the_port", "garbage", *_FOREIGN, "An unknown protocol speaks there."),
        )
    ),
    Scenario(
        name="peer_has_a_new_key",
        what="One peer comes back with a new key at its old address.",
        faults=(once_connected(one_peer_has_a_new_key),),
        expected_reason="peer_id_mismatch",
        expected_cause="peer_moved",
        expected_severity="info",
        expected_blame="them",
        needs_s=BACKOFF_AND_DIAL_S,
    ),
    # ---- on the way ----------------------------------------------------------------------------------------------
    Scenario(
        name="captive_portal",
        what="The gateway answers every connection with a web page.",
        faults=(at_start(intercept("http_ok")),),
        expected_reason="not_our_protocol",
        expected_cause="middlebox",
        expected_severity="critical",
        expected_blame="path",
        remedy=Remedy(says="log in", step=log_in_at_the_portal),
    ),
    Scenario(
        name="captive_portal_begins_later",
        what="The gateway begins to answer every new connection with a web page, and the peers restart.",
        behind_nat=True,  # otherwise they dial us
        faults=(once_connected(intercept("http_ok"), restart_good),),
        expected_reason="not_our_protocol",
        expected_cause="middlebox",
        expected_severity="critical",
        expected_blame="path",
        needs_s=BACKOFF_AND_DIAL_S,  # their sessions were short, so they wait first
    ),
    Scenario(
        name="gateway_resets_our_protocol",
        what="Something on the way inspects what we send, and resets every connection after our Hello.",
        faults=(at_start(intercept("reset_after_first_bytes")),),
        expected_reason="connection_reset",
        expected_cause="middlebox",
        expected_severity="critical",
        expected_blame="path",
    ),
    *(
        Scenario(
            name=f"dialed_again_too_soon_and_{says}",
            what=f"A script dials a peer every few seconds; one connection a minute gets in, the others are {says}.",
            behind_nat=True,  # otherwise the peer dials us
            faults=(at_start(one_peer_throttles_us(kind)), once_connected(keep_dialing_it)),
            expected_reason=reason,
            expected_cause="retry_too_fast",
            expected_severity="warning",
            expected_blame="us",
            remedy=Remedy(
                says="look for a script that dials by hand", step=stop_dialing_by_hand, clears_within_s=TWO_BACKOFFS_S
            ),
        )
        for kind, says, reason in (("close", "closed", "remote_closed"), ("reset", "reset", "connection_reset"))
    ),
)
