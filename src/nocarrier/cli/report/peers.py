"""The parts of a report about peers: which are connected, why others are not, and where addresses came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nocarrier.cli.render.markdown import code, table, words
from nocarrier.cli.render.times import utc
from nocarrier.cli.report.facts import ReportFacts
from nocarrier.model.node.state import REACHABILITY, ConnectedPeer
from nocarrier.model.wording.numbers import count_of
from nocarrier.web.views import PeerView, PropagationCounts

MAX_PEERS = 20
MAX_INTRODUCERS = 10
MAX_ROWS = 40
"""More than there are sources, or reasons that keep peers waiting."""


def peers(facts: ReportFacts) -> Iterator[str]:
    """Which peers are connected, and why the others are not."""
    book, connected = facts.debug.peer_book_counts, facts.debug.connected_peers
    if facts.debug.node is None:
        yield "Sessions, peer book and reachability are unknown: this program has no nocarrier node."
    else:
        reachability = words(REACHABILITY.get(facts.debug.reachability, facts.debug.reachability))
        yield (
            f"{count_of(len(connected), 'peer')} connected; {reachability}. Peer book: "
            f"{book.total} addresses, {book.hot} hot, {book.warm} warm, {book.cold} cold."
        )
    if connected:
        columns = ("connected peer", "direction", "from", "protocol", "program", "round trip")
        yield table(columns, map(_connected, connected[:MAX_PEERS]), numbers=1)
    waiting = Counter(peer.because for peer in facts.peers if peer.because is not None and not peer.connected)
    if waiting:
        rows = ((code(reason), str(count)) for reason, count in waiting.most_common(MAX_ROWS))
        yield table(("not dialed now because of", "peers"), rows, numbers=1)
    failing = sorted((peer for peer in facts.peers if peer.streak), key=lambda peer: -peer.streak)
    if failing:
        columns = ("failing peer", "state", "from", "last reason", "last success (UTC)", "streak")
        yield table(columns, map(_failing, failing[:MAX_PEERS]), numbers=1)


def _connected(peer: ConnectedPeer) -> tuple[str, ...]:
    return (
        code(peer.addr),
        words(peer.direction),
        words(peer.source or ""),
        str(peer.protocol_version),
        words(peer.user_agent),
        "" if peer.latency_s is None else f"{peer.latency_s * 1000:.0f} ms",
    )


def _failing(peer: PeerView) -> tuple[str, ...]:
    last_success = "never" if peer.last_success_unix is None else utc(peer.last_success_unix)
    last_reason = code(peer.last_reason or "")
    return code(peer.addr), words(peer.state), words(peer.source), last_reason, last_success, str(peer.streak)


def propagation(facts: ReportFacts) -> Iterator[str]:
    """How many addresses of each source and each introducer turned out to work."""
    by_source = list(facts.propagation.by_source.items())[:MAX_ROWS]
    if not by_source:
        yield "No addresses yet."
        return
    columns = ("introduced", "dialed", "connected", "dead")
    yield table(("source", *columns), ((code(name), *_numbers(each)) for name, each in by_source), numbers=4)
    introducers = facts.propagation.by_introducer[:MAX_INTRODUCERS]
    if introducers:
        rows = (
            (code(each.addr) + (" (throttled)" if each.throttled else ""), *_numbers(each.counts))
            for each in introducers
        )
        yield table(("introducer, the worst first", *columns), rows, numbers=4)


def _numbers(counts: PropagationCounts) -> tuple[str, ...]:
    return str(counts.introduced), str(counts.dialed), str(counts.connected), str(counts.dead)
