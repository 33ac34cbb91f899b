"""Steps that several scenarios share: each function returns a step for `at_start`, `once_connected` or `after`.

A scenario that needs something special defines a function that takes the stage, next to the scenario.
"""

from __future__ import annotations

from typing import Any

from lab.scenario import Step
from lab.stage import Peer, Stage

Count = int | tuple[int, int]
"""How many; of a pair, a random number from the first to the second."""


def drawn(stage: Stage, count: Count) -> int:
    """Return the number, at random if `count` is a pair."""
    return count if isinstance(count, int) else stage.rng.randint(*count)


# ---- bad peers ------------------------------------------------------------------------------------------------------


def bad_server(kind: str, count: Count = 1, *, known_as: str | None = None) -> Step:
    """Peers that are fault servers, as in `Stage.add_server`."""

    def step(stage: Stage) -> None:
        for _ in range(drawn(stage, count)):
            stage.add_server(kind, known_as=known_as)

    return step


def bad_node(count: Count = 1, *, known_as: str | None = None, **options: Any) -> Step:
    """Real nodes that differ from the good ones, as in `Stage.add_node`."""

    def step(stage: Stage) -> None:
        for _ in range(drawn(stage, count)):
            stage.add_node(known_as=known_as, **options)

    return step


def absent_peer(count: Count = 1, *, known_as: str | None = None, carried: bool = False) -> Step:
    """Addresses without a program, as in `Stage.add_absent`."""

    def step(stage: Stage) -> None:
        for _ in range(drawn(stage, count)):
            stage.add_absent(known_as=known_as, carried=carried)

    return step


def kill_good(count: Count = 1) -> Step:
    """Let good peers crash; they become bad ones."""

    def step(stage: Stage) -> None:
        for peer in _leaving(stage, count):
            stage.peers.kill(peer.name)

    return step


def restart_good(stage: Stage, *, all_but: int = 0) -> None:
    """Let good peers say goodbye and come back at once, so that the node under test must dial them again."""
    for peer in stage.rng.sample(stage.good, len(stage.good) - all_but):
        stage.peers.stop(peer.name)
        stage.restart(peer)


def restart_bad(stage: Stage) -> None:
    """Restart the bad peers that stopped or crashed."""
    for peer in stage.bad:
        stage.restart(peer)


def _leaving(stage: Stage, count: Count) -> list[Peer]:
    leaving = stage.rng.sample(stage.good, drawn(stage, count))
    stage.good = [peer for peer in stage.good if peer not in leaving]
    stage.bad += leaving
    return leaving


# ---- hosts on the way -----------------------------------------------------------------------------------------------


def firewall(role: str, hook: str, *rules: str) -> Step:
    """nft(8) rules at `hook` of the host in that role (here, gateway, backbone, internet)."""
    return lambda stage: stage.world.firewall(getattr(stage.world, role), hook, *rules)


def lift_firewall(role: str) -> Step:
    """Remove the rules of that host."""
    return lambda stage: stage.world.lift_firewall(getattr(stage.world, role))


def firewall_of_bad_peers(*rules: str) -> Step:
    """The bad peers' own firewalls apply `rules` to what is sent to them."""

    def step(stage: Stage) -> None:
        for peer in stage.bad:
            target = f"ip daddr {peer.place.ipv4} tcp dport {peer.port}"
            stage.world.firewall(stage.world.internet, "input", *(f"{target} {rule}" for rule in rules))

    return step


def ip_here(*arguments: str) -> Step:
    """Run ip(8) on the host of the node under test."""
    return lambda stage: stage.world.here.ip(*arguments)


def sysctl(role: str, key: str, value: object) -> Step:
    """A kernel setting of the host in that role."""
    return lambda stage: getattr(stage.world, role).sysctl(key, value)


def link_down(stage: Stage) -> None:
    """Pull the cable of `here`."""
    stage.world.link_down()


def link_up(stage: Stage) -> None:
    """Put the cable of `here` back."""
    stage.world.link_up()


# ---- the node under test --------------------------------------------------------------------------------------------


def stall(seconds: float) -> Step:
    """Stall the node's event loop for that long, as in `NodeUnderTest.stall`."""
    return lambda stage: stage.node.stall(seconds)


def wrong_clock(offset: str) -> Step:
    """Set the clock of the node alone off by an offset such as ``+20m`` (libfaketime), before it starts."""

    def step(stage: Stage) -> None:
        # Its library without its wrapper: the wrapper forks, and would catch the signals meant for the node.
        library = stage.world.here.run(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"]).stdout.strip()
        stage.node.environment |= {"LD_PRELOAD": library, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    return step


def restart_node(*changes: Step) -> Step:
    """The operator stops the node, changes something, and starts it; it then has to find all good peers."""

    def step(stage: Stage) -> None:
        stage.node.stop()
        for change in changes:
            change(stage)
        stage.node.start()
        stage.wait_until_connected()

    return step


def node_options(**options: Any) -> Step:
    """Settings of the node under [node]; use it before the node starts."""
    return lambda stage: stage.node.options.update(options)


def dial_good_peers(stage: Stage) -> None:
    """The operator dials all good peers by hand, which ignores their backoff."""
    for peer in stage.good:
        stage.node.connect(peer.addr)
