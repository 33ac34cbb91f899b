"""This process or machine ran out of descriptors, ports or memory."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import say, word

_WHAT = {
    Reason.FD_EXHAUSTED: "file descriptors",
    Reason.EPHEMERAL_PORTS_EXHAUSTED: "local ports",
    Reason.NO_MEMORY: "memory for sockets",
}

_NEEDED_BY_ACTIONS = {
    Reason.FD_EXHAUSTED: "descriptors",
    Reason.EPHEMERAL_PORTS_EXHAUSTED: "ports",
    Reason.NO_MEMORY: "memory",
}

_SUMMARY = "This machine ran out of {what}: {count} {count:peer|peers} could not be dialed."

_SUMMARY_WITH_LIMIT = (
    "This machine ran out of {what} (the limit is {limit}): {count} {count:peer|peers} could not be dialed."
)


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(*signs.RESOURCES)
    if not peers:
        return None
    by_reason: dict[Reason, list[FailingPeer]] = {}
    for peer in peers:
        by_reason.setdefault(peer.reason, []).append(peer)
    most = max(by_reason, key=lambda reason: len(by_reason[reason]))
    limit = _limit(most, facts, by_reason[most])
    pid = facts.host.pid if facts.host is not None else None
    return Case(
        summary=say(
            _SUMMARY if limit is None else _SUMMARY_WITH_LIMIT,
            what=word(_WHAT[most]),
            count=len(peers),
            limit=limit or 0,
        ),
        confidence=confidence(KERNEL, peers),
        evidence=(
            *(evidence_of("no {what} left", each, what=word(_WHAT[reason])) for reason, each in by_reason.items()),
            *_limits(facts),
        ),
        peers=peers,
        values={_NEEDED_BY_ACTIONS[reason]: word(_WHAT[reason]) for reason in by_reason}
        | ({"pid": pid} if pid is not None else {}),
    )


def _limit(most: Reason, facts: Facts, peers: list[FailingPeer]) -> int | None:
    limits = [limit for peer in peers if isinstance(limit := peer.evidence.get("limit"), int)]
    if limits:
        return limits[-1]
    return facts.host.open_files_limit if most is Reason.FD_EXHAUSTED and facts.host is not None else None


def _limits(facts: Facts) -> Iterator[EvidenceItem]:
    host = facts.host
    if host is None:
        return
    if host.open_files is not None and host.open_files_limit is not None:
        yield stated(
            "{used} of {limit} file descriptors are open now",
            count=host.open_files,
            used=host.open_files,
            limit=host.open_files_limit,
        )
    if host.ephemeral_ports is not None and host.tcp_sockets is not None:
        yield stated(
            "{sockets} TCP sockets, and {ports} local ports to dial from",
            count=host.tcp_sockets,
            sockets=host.tcp_sockets,
            ports=host.ephemeral_ports,
        )


CAUSE = Cause(
    code="local_exhaustion",
    title="This process or machine ran out of descriptors, ports or memory",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="The kernel itself refuses a socket: EMFILE or ENFILE, EADDRNOTAVAIL where a route exists, ENOMEM or "
    "ENOBUFS; with the limit and the use.",
    next_actions=(
        Action(
            text="Raise the limit of {descriptors}: LimitNOFILE= in the unit of the service, or ulimit -n before the start."
        ),
        Action(
            text="Raise it in the running process, as root.",
            command="prlimit --pid {pid} --nofile=65536:65536",
            needs=("descriptors",),
        ),
        Action(text="See what is open.", command="ls -l /proc/{pid}/fd", needs=("descriptors",)),
        Action(
            text="Widen the range of {ports}, as root.", command="sysctl -w net.ipv4.ip_local_port_range='15000 60999'"
        ),
        Action(text="See which connections hold {ports}.", command="ss -tan"),
        Action(text="Free some {memory}, or raise MemoryMax= of the service.", command="free -m"),
        Action(text="See how much {memory} TCP may use.", command="sysctl net.ipv4.tcp_mem"),
    ),
    rule=_rule,
    looks=looks.OURS,
)
