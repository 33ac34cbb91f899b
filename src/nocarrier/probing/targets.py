"""What the probes of one peer say. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from nocarrier.classification import signs
from nocarrier.model.address import Address
from nocarrier.model.fault import Fault
from nocarrier.model.probe import Answer, Redial, Statement, Target, WayOut, answer_in
from nocarrier.model.taxonomy import Reason


def about_target(target: Target, way_out: WayOut | None, *, wants_redial: bool, is_common: bool) -> list[Statement]:
    """What was seen of `target`.

    Args:
        target: the peer.
        way_out: the ways out of this machine, if they were looked at.
        wants_redial: it was to be dialed.
        is_common: a drop of its port was seen at all peers, and so speaks of none of them.
    """
    if target.blocked is not None:
        return [Statement(text=f"{target.addr} was not probed: {target.blocked_detail}.", addr=target.addr)]
    if target.redial is None:
        text = f"{target.addr} was not dialed: the time was over."
        return [Statement(text=text, addr=target.addr)] if wants_redial else []
    gateways = {gateway.addr for gateway in way_out.gateways} if way_out else set()
    if target.route is not None and target.route.gateway is not None:
        gateways.add(target.route.gateway)
    text, suggests = _of_redial(target, target.redial, gateways)
    if is_common and suggests == "peer_firewalled":
        suggests = None
    return [Statement(text=f"{target.addr}: {text}", addr=target.addr, suggests=suggests)]


def is_dropped_port(target: Target) -> bool:
    """Whether the peer's port is silent while its host answers on another."""
    is_silent = target.redial is not None and target.redial.answer is Answer.SILENT
    return is_silent and any(port.is_alive for port in target.other_ports)


def _of_redial(target: Target, redial: Redial, gateways: Collection[str]) -> tuple[str, str | None]:
    """What the re-dial says, together with all else that was seen of the peer, and which cause it speaks for."""
    match redial.answer, redial.fault:
        case Answer.CONNECTED, _:
            return _connected(target, redial)
        case Answer.REFUSED, _:
            return _refused(target, redial)
        case Answer.LOCAL, Fault() as fault:
            return _refused_here(target, fault)
        case ((Answer.UNREACHABLE | Answer.EXPIRED), Fault() as fault):
            return _unreachable(target, fault, gateways)
        case _:
            return _silent(target, redial, gateways)


def _connected(target: Target, redial: Redial) -> tuple[str, str | None]:
    if _ends_before_gateway(target):
        return "something before the first router answers in its stead: a transparent proxy.", "middlebox"
    return f"it accepts connections now, after {_milliseconds(redial.duration_s)}.", None


def _refused(target: Target, redial: Redial) -> tuple[str, str | None]:
    if redial.is_alone and redial.counters.get("Tcp.OutRsts") and not target.is_own:
        text = "this machine itself refused (it sent a RST): a redirect rule or a proxy here takes the connection."
        return text, "outbound_blocked"
    if _ends_before_gateway(target):
        text = "refused before the first router: by a firewall rule of this machine, or by the gateway."
        return text, "outbound_blocked"
    accepting = [port.port for port in target.other_ports if port.answer is Answer.CONNECTED]
    besides = f", though it accepts connections on port {_listed(accepting)}" if accepting else ""
    return f"it refuses port {_port(target)} with a RST, as hosts do where nothing listens{besides}.", "peer_down"


def _refused_here(target: Target, fault: Fault) -> tuple[str, str | None]:
    if target.route is not None and target.route.rejects:
        text = f"the route {target.route.network} of this machine refuses it (unreachable, prohibit or blackhole)."
        return text, "outbound_blocked"
    if "icmp" in fault.evidence:
        return "a firewall rule of this machine refuses it with an ICMP error.", "outbound_blocked"
    match fault.reason:
        case Reason.TIMEOUT:
            return (
                "a firewall rule of this machine drops it: the kernel could not send the SYN again.",
                "outbound_blocked",
            )
        case Reason.PERMISSION_DENIED | Reason.ROUTE_BLACKHOLE:
            return f"connect() itself is refused here ({fault.reason}).", "outbound_blocked"
        case Reason.NETWORK_UNREACHABLE | Reason.HOST_UNREACHABLE:
            return "this machine has no route to it.", "ipv6_broken" if ":" in (target.ip or "") else "offline"
        case reason:
            is_resource = reason in signs.RESOURCES
            return f"this machine cannot dial it now ({reason}).", "local_exhaustion" if is_resource else None


def _unreachable(target: Target, fault: Fault, gateways: Collection[str]) -> tuple[str, str | None]:
    sign = signs.read(fault.reason, fault.phase, fault.evidence)
    if sign.hop is None:
        return f"an ICMP error came back ({fault.reason}).", None
    if sign.hop == target.ip:
        who = "its host"
    elif sign.hop in gateways:
        who = f"our gateway {sign.hop}"
    else:
        who = f"{sign.hop}{_distance(target, sign.hop)}"
    if sign.is_prohibited or sign.is_refused_by_rule:
        suggests = "outbound_blocked" if sign.hop in gateways else "peer_firewalled"
        return f"{who} answers that a rule forbids the connection.", suggests
    if sign.has_no_host:
        return f"{who} answers that no such host is on its link.", "peer_down"
    if sign.has_no_network:
        return f"{who} knows no way to its network.", None
    if answer_in(fault.evidence) is Answer.EXPIRED:
        return f"packets to it circle between routers until {who} throws them away.", None
    return f"{who} answers with an ICMP error ({fault.reason}).", None


def _silent(target: Target, redial: Redial, gateways: Collection[str]) -> tuple[str, str | None]:
    gateway = target.route.gateway if target.route is not None else None
    if redial.fault is not None and redial.fault.evidence.get("no_neighbour"):
        if gateway is not None:
            return f"our gateway {gateway} does not answer on its link.", "offline"
        return "nobody on our link answers for its address.", "peer_down"
    counters = redial.counters if redial.is_alone else {}
    if counters.get("TcpExt.IPReversePathFilter"):
        text = "it answers, and this machine throws the answers away: rp_filter wants them by another interface."
        return text, "outbound_blocked"
    if counters.get("Tcp.InCsumErrors"):
        return "it answers, and the answers come damaged (wrong TCP checksums).", None
    if counters.get("TcpExt.ListenOverflows") and target.is_own:
        return "its accept queue is full: the program does not take its connections.", "peer_overloaded"
    where = _where_it_ends(target, gateways)
    alive = [port.port for port in target.other_ports if port.is_alive]
    if alive:
        text = (
            f"its host answers on port {_listed(alive)}, and something drops port {_port(target)}: a firewall{where}."
        )
        return text, "peer_firewalled"
    return f"nothing answers{where}.", None


def _where_it_ends(target: Target, gateways: Collection[str]) -> str:
    """Beyond which hop the trace fell silent, to end a sentence with."""
    if target.trace is None or not target.trace.hops or target.trace.end is not None:
        return ""
    last = target.trace.last_router
    if last is None:
        gateway = target.route.gateway if target.route is not None else None
        return f", and the first hop, {gateway}, is silent too" if gateway else ""
    ours = "our gateway " if last.addr in gateways else ""
    return f" beyond {ours}{last.addr} (hop {last.ttl})"


def _ends_before_gateway(target: Target) -> bool:
    """Whether a SYN that no router passes on was answered in TCP, though the way to the peer leads through one."""
    end = target.trace.end if target.trace is not None else None
    goes_through_router = target.route is not None and target.route.gateway is not None
    is_answered = end is not None and end.ttl == 1 and end.answer in {Answer.CONNECTED, Answer.REFUSED}
    return goes_through_router and is_answered


def _distance(target: Target, hop: str) -> str:
    hops = target.trace.hops if target.trace is not None else ()
    ttl = next((seen.ttl for seen in hops if seen.addr == hop), None)
    return f" (hop {ttl})" if ttl is not None else ""


def _port(target: Target) -> int:
    return Address.parse(target.addr).port


def _listed(ports: Iterable[int]) -> str:
    return ", ".join(map(str, ports))


def _milliseconds(duration_s: float) -> str:
    return f"{duration_s * 1000:.3g} ms"
