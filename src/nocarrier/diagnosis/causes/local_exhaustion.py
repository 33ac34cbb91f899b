"""This program or machine ran out of file descriptors, local ports or memory."""

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
from nocarrier.model.wording.text import Value, say, word

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

_SUMMARY = "{count} {count:peer|peers} could not be dialed because {what} ran out."

_SUMMARY_WITH_LIMIT = "{count} {count:peer|peers} could not be dialed because {what} ran out (the limit is {limit})."


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
        title=say("{whose} ran out of {what}", whose=_whose(most, by_reason[most]), what=word(_WHAT[most])),
        confidence=confidence(KERNEL, peers),
        evidence=(
            *(evidence_of(_STATEMENT, each, what=word(_WHAT[reason])) for reason, each in by_reason.items()),
            *_limits(facts),
        ),
        peers=peers,
        values={_NEEDED_BY_ACTIONS[reason]: word(_WHAT[reason]) for reason in by_reason}
        | ({"pid": pid} if pid is not None else {}),
    )


_STATEMENT = "{count:peer|peers} could not be dialed because the kernel had no {what} left"


def _whose(reason: Reason, peers: list[FailingPeer]) -> Value:
    """Only the limit of file descriptors is the program's own, unless the whole machine has none left (ENFILE)."""
    is_own_limit = reason is Reason.FD_EXHAUSTED and any(peer.evidence.get("errno") != "ENFILE" for peer in peers)
    return word("This program" if is_own_limit else "This machine")


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
            "{count:file descriptor is|file descriptors are} open now, and the limit is {limit}",
            count=host.open_files,
            limit=host.open_files_limit,
        )
    if host.ephemeral_ports is not None and host.tcp_sockets is not None:
        yield stated(
            "{count:TCP socket exists|TCP sockets exist} now, and {ports} local {ports:port|ports} to dial from",
            count=host.tcp_sockets,
            ports=host.ephemeral_ports,
        )


CAUSE = Cause(
    code="local_exhaustion",
    title="This machine ran out of file descriptors, local ports or memory",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="The kernel itself refuses a socket: EMFILE or ENFILE, EADDRNOTAVAIL although a route exists, ENOMEM or "
    "ENOBUFS. The limit and the present use are shown.",
    next_actions=(
        Action(
            text="Raise the limit of {descriptors}: LimitNOFILE= in the unit of the service, or ulimit -n before you start "
            "the program."
        ),
        Action(
            text="Raise the limit of the running process, as root.",
            command="prlimit --pid {pid} --nofile=65536:65536",
            needs=("descriptors",),
        ),
        Action(text="See which files and sockets are open.", command="ls -l /proc/{pid}/fd", needs=("descriptors",)),
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
