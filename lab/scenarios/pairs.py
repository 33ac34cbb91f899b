"""Two faults at once: the second must not be taken for a symptom of the first."""

from __future__ import annotations

import time

from lab.scenario import Scenario, after, at_start, once_connected
from lab.scenarios.topology import IDLE_AND_DIAL_S, cut_off_half, feeds_dead_addresses, write_peer_book
from lab.stage import Stage
from lab.steps import absent_peer, wrong_clock
from lab.wire import WireSettings

FAR_S = 0.15
"""One way: a handshake then takes about a second, long enough to strike in its middle."""


def dead_seeds_and_a_book_of_good_peers(stage: Stage) -> None:
    """All seeds refuse; the good peers are known from an earlier run."""
    stage.node.options["seeds"] = [peer.addr for peer in stage.bad]
    write_peer_book(stage, [peer.addr for peer in stage.good], age_s=600)


def one_old_peer_bans_us(stage: Stage) -> None:
    """Most peers use a newer protocol; one has our version, and it bans us."""
    stage.add_node(known_as="seed", bans=[stage.world.public_ipv4])


def stalls_in_the_middle_of_handshakes(stage: Stage) -> None:
    """Peers come back, and the node stalls while it shakes hands with them, until its deadlines have passed."""
    for peer in stage.rng.sample(stage.good, 3):
        stage.peers.stop(peer.name)
        stage.restart(peer)
        stage.node.connect(peer.addr)
    time.sleep(FAR_S * 3)  # one and a half round trips: connected, but the handshake is not complete
    stage.node.stall(stage.node.timing["handshake_attempt_s"] + stage.rng.uniform(2.0, 4.0))


SCENARIOS = (
    Scenario(
        name="seeds_down_and_clock_off",
        what="All seeds refuse, and our clock is off by an hour, which the peers in the book tell us.",
        faults=(
            at_start(
                wrong_clock("+1h"),
                absent_peer((2, 3), known_as="nobody", carried=True),
                dead_seeds_and_a_book_of_good_peers,
            ),
        ),
        expected_reason="clock_skew",
        expected_cause="clock_wrong",
        expected_beside=("seeds_down",),
    ),
    Scenario(
        name="version_outdated_and_banned_by_one",
        what="Most peers speak only a newer protocol, and the one that does not bans us.",
        peer_options={"protocol_version": 5, "min_protocol_version": 4},
        faults=(at_start(one_old_peer_bans_us),),
        expected_reason="version_mismatch",
        expected_cause="version_outdated",
        allowed_beside=("peer_incompatible",),
    ),
    Scenario(
        name="overload_and_one_dead_peer",
        what="Our event loop is stalled across deadlines, and one peer is really down.",
        wire=WireSettings(delay_s=FAR_S),
        faults=(
            at_start(absent_peer(known_as="gossip", carried=True)),
            once_connected(stalls_in_the_middle_of_handshakes),
            after(3, stalls_in_the_middle_of_handshakes),
        ),
        expected_reason="handshake_timeout",
        expected_cause="local_overload",
        expected_beside=("peer_down",),
        # The peers that come back may be seeds, and they really were down for a moment.
        allowed_beside=("seeds_down",),
    ),
    Scenario(
        name="partition_and_poisoned_introducer",
        what="Half of the network goes silent, and one of the other peers names 500 dead addresses.",
        good_peers=(6, 8),
        faults=(once_connected(cut_off_half, feeds_dead_addresses),),
        expected_reason=None,
        expected_cause="partition",
        expected_beside=("stale_source",),
        # Dead addresses show at once; it is the sessions that take time to end.
        within_s=IDLE_AND_DIAL_S,
    ),
)
