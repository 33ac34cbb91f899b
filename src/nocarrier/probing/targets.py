"""What the probes of one peer say. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from nocarrier.classification import signs
from nocarrier.model.address import Address
from nocarrier.model.fault import Fault
from nocarrier.model.probe import Answer, Redial, Statement, Target, WayOut, answer_in
from nocarrier.model.taxonomy import Reason
from nocarrier.model.wording.text import Text, address, host, listed, network, quoted, say, word


def about_target(target: Target, way_out: WayOut | None, *, wants_redial: bool, is_common: bool) -> list[Statement]:
    """What was seen of `target`.

    Args:
        target: the peer.
        way_out: the ways out of this machine, if they were looked at.
        wants_redial: it was to be dialed.
        is_common: a drop of its port was seen at all peers, and so speaks of none of them.
    """
    addr = address(target.addr)
    if target.blocked is not None:
        why = quoted(target.blocked_detail or target.blocked)
        return [Statement(text=say("{addr} was not probed: {why}.", addr=addr, why=why), addr=target.addr)]
    if target.redial is None:
        text = say("{addr} was not dialed: the time was over.", addr=addr)
        return [Statement(text=text, addr=target.addr)] if wants_redial else []
    gateways = {gateway.addr for gateway in way_out.gateways} if way_out else set()
    if target.route is not None and target.route.gateway is not None:
        gateways.add(target.route.gateway)
    seen = _of_redial(target, target.redial, gateways)
    suggests = None if is_common and seen.suggests == "peer_firewalled" else seen.suggests
    return [Statement(text=say("{addr}: {seen}", addr=addr, seen=seen.text), addr=target.addr, suggests=suggests)]


def is_dropped_port(target: Target) -> bool:
    """Whether the peer's port is silent while its host answers on another."""
    is_silent = target.redial is not None and target.redial.answer is Answer.SILENT
    return is_silent and any(port.is_alive for port in target.other_ports)


class _Seen(NamedTuple):
    """What the probes of a peer come to."""

    text: Text
    suggests: str | None = None
    """Code of the cause that it speaks for."""


def _of_redial(target: Target, redial: Redial, gateways: Collection[str]) -> _Seen:
    """What the re-dial says, together with all else that was seen of the peer."""
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


def _connected(target: Target, redial: Redial) -> _Seen:
    if _ends_before_gateway(target):
        return _Seen(say("something before the first router answers in its stead: a transparent proxy."), "middlebox")
    took = word(f"{redial.duration_s * 1000:.3g}")
    return _Seen(say("it accepts connections now, after {took} ms.", took=took))


def _refused(target: Target, redial: Redial) -> _Seen:
    if redial.is_alone and redial.counters.get("Tcp.OutRsts") and not target.is_own:
        text = say("this machine itself refused (it sent a RST): a redirect rule or a proxy here takes the connection.")
        return _Seen(text, "outbound_blocked")
    if _ends_before_gateway(target):
        text = say("refused before the first router: by a firewall rule of this machine, or by the gateway.")
        return _Seen(text, "outbound_blocked")
    port = _port(target)
    accepting = [port.port for port in target.other_ports if port.answer is Answer.CONNECTED]
    if not accepting:
        return _Seen(
            say("it refuses port {port} with a RST, as hosts do where nothing listens.", port=port), "peer_down"
        )
    text = say(
        "it refuses port {port} with a RST, as hosts do where nothing listens, though it accepts connections on port "
        "{others}.",
        port=port,
        others=listed(accepting),
    )
    return _Seen(text, "peer_down")


_REFUSED_HERE = {
    Reason.TIMEOUT: "a firewall rule of this machine drops it: the kernel could not send the SYN again.",
    Reason.PERMISSION_DENIED: "connect() itself is refused here ({reason}).",
    Reason.ROUTE_BLACKHOLE: "connect() itself is refused here ({reason}).",
}


def _refused_here(target: Target, fault: Fault) -> _Seen:
    reason = fault.reason
    if target.route is not None and target.route.rejects:
        template = "the route {route} of this machine refuses it (unreachable, prohibit or blackhole)."
        return _Seen(say(template, route=network(target.route.network)), "outbound_blocked")
    if "icmp" in fault.evidence:
        return _Seen(say("a firewall rule of this machine refuses it with an ICMP error."), "outbound_blocked")
    if reason in _REFUSED_HERE:
        return _Seen(say(_REFUSED_HERE[reason], reason=reason), "outbound_blocked")
    if reason in {Reason.NETWORK_UNREACHABLE, Reason.HOST_UNREACHABLE}:
        text = say("this machine has no route to it.")
        return _Seen(text, "ipv6_broken" if ":" in (target.ip or "") else "offline")
    text = say("this machine cannot dial it now ({reason}).", reason=reason)
    return _Seen(text, "local_exhaustion" if reason in signs.RESOURCES else None)


def _unreachable(target: Target, fault: Fault, gateways: Collection[str]) -> _Seen:
    sign = signs.read(fault.reason, fault.phase, fault.evidence)
    if sign.hop is None:
        return _Seen(say("an ICMP error came back ({reason}).", reason=fault.reason))
    who = _who(target, sign.hop, gateways)
    if sign.is_prohibited or sign.is_refused_by_rule:
        text = say("{who} answers that a rule forbids the connection.", who=who)
        return _Seen(text, "outbound_blocked" if sign.hop in gateways else "peer_firewalled")
    if sign.has_no_host:
        return _Seen(say("{who} answers that no such host is on its link.", who=who), "peer_down")
    if sign.has_no_network:
        return _Seen(say("{who} has no route to its network.", who=who))
    if answer_in(fault.evidence) is Answer.EXPIRED:
        return _Seen(say("packets to it circle between routers until {who} drops them.", who=who))
    return _Seen(say("{who} answers with an ICMP error ({reason}).", who=who, reason=fault.reason))


def _who(target: Target, hop: str, gateways: Collection[str]) -> Text:
    if hop == target.ip:
        return say("its host")
    if hop in gateways:
        return say("our gateway {hop}", hop=host(hop))
    hops = target.trace.hops if target.trace is not None else ()
    ttl = next((seen.ttl for seen in hops if seen.addr == hop), None)
    return say("{hop}", hop=host(hop)) if ttl is None else say("{hop} (hop {ttl})", hop=host(hop), ttl=ttl)


_BY_COUNTER = {
    "TcpExt.IPReversePathFilter": (
        "it answers, and this machine throws the answers away: rp_filter wants them by another interface.",
        "outbound_blocked",
    ),
    "Tcp.InCsumErrors": ("it answers, and the answers come damaged (wrong TCP checksums).", None),
}
"""What a counter of this host that grew during a silent re-dial says, the most telling first."""


def _silent(target: Target, redial: Redial, gateways: Collection[str]) -> _Seen:
    gateway = target.route.gateway if target.route is not None else None
    if redial.fault is not None and redial.fault.evidence.get("no_neighbour"):
        if gateway is not None:
            return _Seen(say("our gateway {gateway} does not answer on its link.", gateway=host(gateway)), "offline")
        return _Seen(say("nobody on our link answers for its address."), "peer_down")
    counters = redial.counters if redial.is_alone else {}
    for counter, (template, suggests) in _BY_COUNTER.items():
        if counters.get(counter):
            return _Seen(say(template), suggests)
    if counters.get("TcpExt.ListenOverflows") and target.is_own:
        text = say("its accept queue is full: the program does not take its connections.")
        return _Seen(text, "peer_overloaded")
    where = _where_it_ends(target, gateways)
    alive = [port.port for port in target.other_ports if port.is_alive]
    if not alive:
        return _Seen(say("nothing answers{where}.", where=where))
    text = say(
        "its host answers on port {others}, and something drops port {port}: a firewall{where}.",
        others=listed(alive),
        port=_port(target),
        where=where,
    )
    return _Seen(text, "peer_firewalled")


def _where_it_ends(target: Target, gateways: Collection[str]) -> Text:
    """Beyond which hop the trace fell silent, to end a sentence with."""
    if target.trace is None or not target.trace.hops or target.trace.end is not None:
        return say("")
    last = target.trace.last_router
    if last is None or last.addr is None:
        gateway = target.route.gateway if target.route is not None else None
        template = ", and the first hop, {gateway}, is silent too" if gateway else ""
        return say(template, gateway=host(gateway or ""))
    template = " beyond our gateway {hop} (hop {ttl})" if last.addr in gateways else " beyond {hop} (hop {ttl})"
    return say(template, hop=host(last.addr), ttl=last.ttl)


def _ends_before_gateway(target: Target) -> bool:
    """Whether a SYN that no router passes on was answered in TCP, though the way to the peer leads through one."""
    end = target.trace.end if target.trace is not None else None
    goes_through_router = target.route is not None and target.route.gateway is not None
    is_answered = end is not None and end.ttl == 1 and end.answer in {Answer.CONNECTED, Answer.REFUSED}
    return goes_through_router and is_answered


def _port(target: Target) -> int:
    return Address.parse(target.addr).port
