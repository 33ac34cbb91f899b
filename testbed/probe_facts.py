"""Short ways to write what probes may have seen: the facts from which conclusions are drawn."""

from __future__ import annotations

from typing import Any

from nocarrier.model.fault import Evidence, Fault, IcmpEvidence
from nocarrier.model.probe import Answer, Gateway, Hop, PortAnswer, Redial, Route, Target, Trace, WayOut, answer_in
from nocarrier.model.taxonomy import Blame, Phase, Reason

GATEWAY = "198.18.1.1"
BY_GATEWAY = Route(network="0.0.0.0/0", gateway=GATEWAY, rejects=False)
ON_LINK = Route(network="198.18.1.0/24", gateway=None, rejects=False)
WAY_OUT = WayOut(
    default_ipv4=True,
    default_ipv6=True,
    gateways=(Gateway(addr=GATEWAY, answers=None),),
    reject_routes=(),
    interfaces_up=("eth0",),
)
ADDR = "203.0.113.7:7072"


def redial(reason: Reason | None, evidence: Evidence | None = None) -> Redial:
    evidence = evidence or Evidence()
    fault = None
    if reason is not None:
        fault = Fault(reason=reason, phase=Phase.CONNECT, blame=Blame.UNKNOWN, evidence=evidence)
    return Redial(
        answer=answer_in(evidence) if fault else Answer.CONNECTED,
        duration_s=0.0123,
        fault=fault,
        counters={},
        is_alone=True,
    )


REFUSED = redial(Reason.CONNECTION_REFUSED, Evidence(errno="ECONNREFUSED", decided_by="network"))
SILENT = redial(Reason.TIMEOUT, Evidence(syn_retransmits=1))


def icmp(kind: int, code: int, hop: str, reason: Reason = Reason.HOST_UNREACHABLE) -> Redial:
    return redial(reason, Evidence(errno="EHOSTUNREACH", icmp=IcmpEvidence(type=kind, code=code, hop=hop)))


def target(seen: Redial | None, addr: str = ADDR, **more: Any) -> Target:
    return Target(
        **{"addr": addr, "ip": addr.rpartition(":")[0].strip("[]"), "route": BY_GATEWAY, "redial": seen, **more}
    )


def trace(*hops: str | None, end: Answer | None = None) -> Trace:
    """Routers that answered (None: a silent one), and what ended the path after them."""
    seen = [
        Hop(ttl=ttl, answer=Answer.EXPIRED, addr=addr) if addr else Hop(ttl=ttl, answer=Answer.SILENT)
        for ttl, addr in enumerate(hops, start=1)
    ]
    if end is not None:
        seen.append(Hop(ttl=len(seen) + 1, answer=end, addr="203.0.113.7"))
    return Trace(hops=tuple(seen))


def port(number: int, answer: Answer) -> PortAnswer:
    is_alive = answer in {Answer.CONNECTED, Answer.REFUSED}
    return PortAnswer(port=number, answer=answer, duration_s=0.01, is_alive=is_alive)


UP_ON_22 = (port(443, Answer.SILENT), port(80, Answer.SILENT), port(22, Answer.CONNECTED))
