"""Every address that a text of ours may name, so that redaction knows the host names in it."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.model.node_state import NodePort
from nocarrier.tracking import DialTracker


def known_addresses(tracker: DialTracker, node: NodePort | None) -> Iterator[str]:
    """The addresses that `tracker` and `node` know of, each as often as it stands somewhere.

    A finding can say of a seed at nas:7072 that the name nas cannot be looked up, and not hold the address itself.
    """
    for peer in tracker.latest().peers:
        yield peer.addr
        if peer.via is not None:
            yield peer.via
    if node is None:
        return
    state = node.state()
    yield from (seed.addr for seed in state.dialing.seeds)
    yield from (peer.addr for peer in state.connected)
    yield from (introducer.addr for introducer in state.introducers)
    if state.info.advertised_p2p is not None:
        yield state.info.advertised_p2p
