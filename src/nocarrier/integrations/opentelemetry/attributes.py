"""What spans and metrics say of a dial: OpenTelemetry's own names where it has one, else ``nocarrier.*``.

A metric has closed sets only. What a peer sent is on spans alone, and bounded: one value that cannot be encoded would
cost the whole batch that it is sent with.
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
"""Attributes made of the evidence of one fault; the table of evidence has fewer keys."""

MAX_PHASES = 8
"""Phases of one dial; nocarrier times four, a program may add its own."""

_MAX_NAME_LENGTH = 64
_MAX_INT_BITS = 63
"""OTLP has signed 64-bit integers."""


def metric_attributes(dial: DialEvent) -> dict[str, AttributeValue]:
    """What a dial is counted under."""
    attributes: dict[str, AttributeValue] = {"nocarrier.source": dial.source.value, "network.transport": "tcp"}
    if dial.reason is not None:
        attributes["error.type"] = dial.reason.value
    ip = _ip_version(_peer(dial))
    return attributes | ({"network.type": ip} if ip else {})


def dial_attributes(dial: DialEvent) -> dict[str, AttributeValue]:
    """What the span of a dial says.

    ``server.*`` is what was dialed, which may be a name; ``network.peer.*`` is the one address that it came down to,
    absent where a name led to several in vain: each of them has a span.

    How long the phases took is said in attributes, and not in spans or events of their own. A phase may come more than
    once in a dial, and what is recorded is how long it took in all, not when: a span or event would have a time that we
    made up. The waterfall shows them all the same: before the attempts the name is resolved, after them comes the
    handshake.
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
    """What the span of an attempt at one address says."""
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
    """``{"icmp": {"hop": …}}`` as ``….icmp.hop``; what lies deeper becomes text."""
    for key, value in evidence.items():
        name = f"{prefix}.{_name(key)}"
        if isinstance(value, dict):
            yield from ((f"{name}.{_name(inner)}", each) for inner, each in value.items())
        else:
            yield name, value


def _bounded(found: Mapping[str, object]) -> dict[str, AttributeValue]:
    """`found` without what is not known, in the types that OTLP has."""
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
    """The one address that the dial came down to: what was dialed, what connected, or the only one that was tried."""
    given = _parse(dial.addr)
    if given is not None and given.ip is not None:
        return given
    connected = [attempt.addr for attempt in dial.attempts if attempt.reason is None]
    tried = {attempt.addr for attempt in dial.attempts}
    if connected:
        return _parse(connected[-1])
    return _parse(tried.pop()) if len(tried) == 1 else None


def _ip_version(address: Address | None) -> str | None:
    """As OpenTelemetry's ``network.type`` has it."""
    ip = address.ip if address else None
    return f"ipv{ip.version}" if ip else None


def _parse(addr: str) -> Address | None:
    try:
        return Address.parse(addr)
    except AddressError:
        return None
