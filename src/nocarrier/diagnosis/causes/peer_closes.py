"""That peer takes connections and hangs up without an answer."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.confidence import NETWORK, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason

_HOW = {
    Reason.REMOTE_CLOSED: "it closes in order, without having answered",
    Reason.CONNECTION_RESET: "it resets the connection, without having answered",
}


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(*signs.HUNG_UP) if peer.blame is not Blame.US]
    if not peers:
        return None
    return Case(
        summary=f"{count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}) "
        f"take{'s' if len(peers) == 1 else ''} our connections and hang{'s' if len(peers) == 1 else ''} up without a word.",
        confidence=confidence(NETWORK, peers),
        evidence=tuple(
            evidence_of(says, [peer for peer in peers if peer.reason is reason])
            for reason, says in _HOW.items()
            if any(peer.reason is reason for peer in peers)
        ),
        peers=peers,
        values={"addr": peers[0].addr},
    )


CAUSE = Cause(
    code="peer_closes",
    title="That peer hangs up without an answer",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="The connection stood and was closed or reset before the handshake was answered, at single peers.",
    next_actions=(
        "Ask who runs {addr} to look at the log of the program that listens there: a proxy without a backend, a limit for "
        "each address, or a crash look like this.",
    ),
    rule=_rule,
    depends_on=("local_overload", "middlebox", "retry_too_fast", "seeds_down", "path_mtu"),
)
