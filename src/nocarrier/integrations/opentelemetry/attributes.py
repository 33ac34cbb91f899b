"""Attributes of spans and metrics: OpenTelemetry's own name if there is one, otherwise ``nocarrier.*``.

Attributes of metrics come from closed sets. Only spans have data from peers, with bounds on size and type: one value
that cannot be encoded would lose the whole batch that it is sent in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeAlias

from nocarrier.errors import AddressError
from nocarrier.model import bounds
from nocarrier.model.address import Address
from nocarrier.model.event import Attempt, DialEvent

AttributeValue: TypeAlias = str | bool | int | float

MAX_EVIDENCE = 32
"""At most this many attributes for the evidence of one fault; the table of evidence has fewer keys."""

MAX_PHASES = 8
"""At most this many phases of one dial; nocarrier times four, and a program may add its own."""

_MAX_NAME_LENGTH = 64
_MAX_INT_BITS = 63
"""OTLP has signed 64-bit integers."""


def metric_attributes(dial: DialEvent) -> dict[str, AttributeValue]:
    """Return the attributes under which a dial is counted."""
    attributes: dict[str, AttributeValue] = {"nocarrier.source": dial.source.value, "network.transport": "tcp"}
    if dial.reason is not None:
        attributes["error.type"] = dial.reason.value
    ip = _ip_version(_peer(dial))
    return attributes | ({"network.type": ip} if ip else {})


def dial_attributes(dial: DialEvent) -> dict[str, AttributeValue]:
    """Return the attributes of a dial's span.

    ``server.*`` is what was dialed, which may be a name. ``network.peer.*`` is the one address that was used. It is
    absent if a name has several addresses and none of them worked; each of these has a span of its own.

    Durations of phases are attributes, not spans or events. A phase may occur more than once in a dial, and only its
    total duration is recorded, not when it ran; a span or event would have an invented time. The waterfall shows the
    phases anyway: the name is resolved before the attempts, and the handshake follows them.
    """
    given = _parse(dial.addr)
    found: dict[str, object] = {
        **metric_attributes(dial),
        **_network_peer(_peer(dial)),
        "server.address": given.host if given else dial.addr,
        "server.port": given.port if given else None,
        "nocarrier.addr": dial.addr,
        "nocarrier.via": dial.via,
        "nocarrier.node_id": dial.node_id,
        "nocarrier.dial_id": dial.dial_id,
        "nocarrier.run": dial.run,
        "nocarrier.seq": dial.seq,
        "nocarrier.attempts": len(dial.attempts),
    }
    for phase, took_s in islice(dial.phases_s.items(), MAX_PHASES):
        found[f"nocarrier.phases_s.{_name(phase)}"] = took_s
    if dial.reason is not None:
        found |= _fault(dial)
    return _bounded(found)


def attempt_attributes(attempt: Attempt) -> dict[str, AttributeValue]:
    """Return the attributes of an attempt's span."""
    address = _parse(attempt.addr)
    found: dict[str, object] = {
        "network.transport": "tcp",
        "network.type": _ip_version(address),
        "nocarrier.addr": attempt.addr,
        **_network_peer(address),
    }
    if attempt.reason is not None:
        found |= {"error.type": attempt.reason.value, **_fault(attempt)}
    return _bounded(found)


def _fault(told: DialEvent | Attempt) -> dict[str, object]:
    return {
        "nocarrier.phase": told.phase.value if told.phase else None,
        "nocarrier.blame": told.blame.value if told.blame else None,
        "nocarrier.detail": told.detail,
        **dict(islice(_flat("nocarrier.evidence", bounds.evidence(told.evidence) or {}), MAX_EVIDENCE)),
    }


def _flat(prefix: str, evidence: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Flatten ``{"icmp": {"hop": …}}`` to ``….icmp.hop``; deeper levels become text."""
    for key, value in evidence.items():
        name = f"{prefix}.{_name(key)}"
        if isinstance(value, dict):
            yield from ((f"{name}.{_name(inner)}", each) for inner, each in value.items())
        else:
            yield name, value


def _bounded(found: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return `found` in the types that OTLP has, without values that are not known."""
    return {name: _value(value) for name, value in found.items() if value is not None}


def _value(value: object) -> AttributeValue:
    if isinstance(value, bool | float) or (isinstance(value, int) and value.bit_length() <= _MAX_INT_BITS):
        return value
    return bounds.text(value)


def _name(text: object) -> str:
    return bounds.text(text, _MAX_NAME_LENGTH)


def _network_peer(address: Address | None) -> dict[str, object]:
    if address is None or address.ip is None:
        return {}
    return {"network.peer.address": address.host, "network.peer.port": address.port}


def _peer(dial: DialEvent) -> Address | None:
    """Return the one address that the dial used: the one dialed, the one that connected, or the only one tried."""
    given = _parse(dial.addr)
    if given is not None and given.ip is not None:
        return given
    connected = [attempt.addr for attempt in dial.attempts if attempt.reason is None]
    tried = {attempt.addr for attempt in dial.attempts}
    if connected:
        return _parse(connected[-1])
    return _parse(tried.pop()) if len(tried) == 1 else None


def _ip_version(address: Address | None) -> str | None:
    """Return the value of OpenTelemetry's ``network.type``."""
    ip = address.ip if address else None
    return f"ipv{ip.version}" if ip else None


def _parse(addr: str) -> Address | None:
    try:
        return Address.parse(addr)
    except AddressError:
        return None
