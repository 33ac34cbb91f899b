"""What single failures are signs of: the readings of reason and evidence that several causes share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Phase, Reason

RESOURCES = frozenset({Reason.FD_EXHAUSTED, Reason.EPHEMERAL_PORTS_EXHAUSTED, Reason.NO_MEMORY})

RESOLVER = frozenset({Reason.DNS_TEMPORARY, Reason.DNS_TIMEOUT})
"""Our resolver did not work; whether the name exists is not known."""

HUNG_UP = frozenset({Reason.REMOTE_CLOSED, Reason.CONNECTION_RESET})
"""The connection stood, and the other side ended it without an answer."""

BROKEN = frozenset({Reason.MALFORMED_HANDSHAKE, Reason.HANDSHAKE_ERROR, Reason.EARLY_DISCONNECT})
"""Answers that no peer of ours should give."""

_BEFORE_THE_NETWORK = frozenset({Phase.POLICY, Phase.RESOLVE})

# RFC 792, RFC 1812 section 5.2.7.1 and RFC 4443 section 3.1, as (type, code).
_PROHIBITED = {(3, 9), (3, 10), (3, 13), (1, 1), (1, 5)}
_REFUSED_BY_RULE = {(3, 2), (3, 3), (1, 4)}
"""Port or protocol unreachable: a host answers a TCP SYN to a closed port with RST, so this comes from a filter."""
_NO_NETWORK = {(3, 0), (3, 6), (3, 11), (1, 0), (1, 6)}
_NO_HOST = {(3, 1), (3, 7), (3, 8), (3, 12), (1, 3)}

SILENT = frozenset({Reason.TIMEOUT, Reason.HOST_UNREACHABLE, Reason.NETWORK_UNREACHABLE})


class Failure(Protocol):
    """What a mismatch is read from."""

    @property
    def evidence(self) -> Evidence:
        """What is known."""


class Signs(NamedTuple):
    """What one failure is a sign of. Several can hold at once, or none."""

    is_local: bool
    """This machine itself refused."""
    is_silent: bool
    """Nobody answered at all, or only a router that does not get through; and this machine let it go."""
    is_prohibited: bool
    """A hop says that its rules forbid the connection."""
    is_refused_by_rule: bool
    """A filter, and not the kernel of the host, refused the port."""
    has_no_network: bool
    """A router says that it knows no way to the network of the peer."""
    has_no_host: bool
    """A router says that the host does not answer on its last link, or nobody answered on ours."""
    has_answered: bool
    """See `is_answer`."""
    hop: str | None
    """Which hop sent the ICMP error."""


def read(reason: Reason, phase: Phase, evidence: Evidence) -> Signs:
    """The signs in one failure."""
    is_local = evidence.get("decided_by") == "local"
    answered = is_answer(reason, phase, evidence)
    icmp: object = evidence.get("icmp")  # a caller may have put anything there
    if not isinstance(icmp, Mapping):
        no_host = evidence.get("no_neighbour") is True
        return Signs(is_local, not is_local and reason in SILENT, False, False, False, no_host, answered, None)
    meaning = None if is_local else _type_and_code(icmp)
    is_prohibited = meaning in _PROHIBITED
    hop = icmp.get("hop")
    return Signs(
        is_local=is_local,
        is_silent=not is_local and not is_prohibited and reason in SILENT,
        is_prohibited=is_prohibited,
        is_refused_by_rule=meaning in _REFUSED_BY_RULE,
        has_no_network=meaning in _NO_NETWORK,
        has_no_host=meaning in _NO_HOST or evidence.get("no_neighbour") is True,
        has_answered=answered,
        hop=str(hop) if hop else None,
    )


def _type_and_code(icmp: Mapping[str, object]) -> tuple[int, int] | None:
    match icmp.get("type"), icmp.get("code"):
        case int(icmp_type), int(code):
            return icmp_type, code
    return None


def is_answer(reason: Reason, phase: Phase | None, evidence: Mapping[str, Any]) -> bool:
    """Whether something beyond this machine answered at TCP or above: proof that packets go out and come back.

    The ICMP error of a router is no such proof: the router at home sends one when its own uplink is down.
    """
    if phase in _BEFORE_THE_NETWORK or evidence.get("decided_by") == "local" or reason in RESOURCES:
        return False
    if reason is Reason.CONNECTION_REFUSED:
        return "icmp" not in evidence
    if reason is Reason.HANDSHAKE_TIMEOUT:
        return True  # the connection stood
    return phase in {Phase.SECURE, Phase.HANDSHAKE, Phase.SESSION} or reason is Reason.CONNECTION_RESET


def values(failure: Failure) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The two sides of a mismatch, ours and theirs; empty where they were not recorded."""
    ours, theirs = failure.evidence.get("ours"), failure.evidence.get("theirs")
    return (ours if isinstance(ours, Mapping) else {}), (theirs if isinstance(theirs, Mapping) else {})


def is_stated_by_us(failure: Failure) -> bool:
    """Whether it was we who said no in the handshake."""
    return failure.evidence.get("stated_by") == "us"
