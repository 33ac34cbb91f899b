"""This process or machine ran out of descriptors, ports or memory."""

from __future__ import annotations

from collections import Counter

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, stated
from nocarrier.diagnosis.confidence import KERNEL, confidence
from nocarrier.diagnosis.facts import Facts, FailingPeer
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.taxonomy import Blame, Reason

_WHAT = {
    Reason.FD_EXHAUSTED: "file descriptors",
    Reason.EPHEMERAL_PORTS_EXHAUSTED: "local ports",
    Reason.NO_MEMORY: "memory for sockets",
}


def _rule(facts: Facts) -> Case | None:
    peers = facts.failing_with(*signs.RESOURCES)
    if not peers:
        return None
    most, _ = Counter(peer.reason for peer in peers).most_common(1)[0]
    return Case(
        summary=f"This machine ran out of {_WHAT[most]}{_use(most, facts, peers)}: "
        f"{count_of(len(peers), 'peer')} could not be dialed.",
        confidence=confidence(KERNEL, peers),
        evidence=(
            *(
                evidence_of(f"no {_WHAT[reason]} left", [peer for peer in peers if peer.reason is reason])
                for reason in dict.fromkeys(peer.reason for peer in peers)
            ),
            *_limits(facts),
        ),
        peers=peers,
        values={
            {
                Reason.FD_EXHAUSTED: "descriptors",
                Reason.EPHEMERAL_PORTS_EXHAUSTED: "ports",
                Reason.NO_MEMORY: "memory",
            }[reason]: _WHAT[reason]
            for reason in {peer.reason for peer in peers}
        },
    )


def _use(most: Reason, facts: Facts, peers: list[FailingPeer]) -> str:
    limits = [peer.evidence["limit"] for peer in peers if peer.reason is most and "limit" in peer.evidence]
    if limits:
        return f" (the limit is {limits[-1]})"
    host = facts.host
    if most is Reason.FD_EXHAUSTED and host is not None and host.open_files_limit is not None:
        return f" (the limit is {host.open_files_limit})"
    return ""


def _limits(facts: Facts) -> list[EvidenceItem]:
    host = facts.host
    if host is None:
        return []
    items = []
    if host.open_files is not None and host.open_files_limit is not None:
        items.append(
            stated(f"{host.open_files} of {host.open_files_limit} file descriptors are open now", count=host.open_files)
        )
    if host.ephemeral_ports is not None and host.tcp_sockets is not None:
        items.append(
            stated(
                f"{host.tcp_sockets} TCP sockets, and {host.ephemeral_ports} local ports to dial from",
                count=host.tcp_sockets,
            )
        )
    return items


CAUSE = Cause(
    code="local_exhaustion",
    title="This process or machine ran out of descriptors, ports or memory",
    severity=Severity.WARNING,
    blame=Blame.US,
    evidence_rule="The kernel itself refuses a socket: EMFILE or ENFILE, EADDRNOTAVAIL where a route exists, ENOMEM or "
    "ENOBUFS; with the limit and the use.",
    next_actions=(
        "Raise the limit of {descriptors}: LimitNOFILE= in the service, or ulimit -n before the start; see what is open "
        "with ls -l /proc/PID/fd.",
        "Widen the range of {ports}: sysctl -w net.ipv4.ip_local_port_range='15000 60999'; see who uses them with ss -tan.",
        "Free some {memory}: see free -m, and the MemoryMax= of the service; sysctl net.ipv4.tcp_mem.",
    ),
    rule=_rule,
)
