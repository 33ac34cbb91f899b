"""From an exception to the one fault it tells of: by type, then errno, then structured code; never by message text."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from nocarrier.classification.blame import blame_for
from nocarrier.classification.errnos import reason_of_deadline, reason_of_errno, reason_of_resolver_error
from nocarrier.errors import AddressError, DialSkipped, PeerRejected
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Phase, Reason

MAX_LINKS = 64
"""Exceptions looked at in one chain or tree of causes; libraries nest six or seven deep."""

_HANDSHAKE_PHASES = frozenset({Phase.SECURE, Phase.HANDSHAKE})


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an exception says of the end of a dial, before anybody is blamed for it."""

    reason: Reason
    phase: Phase
    detail: str | None
    evidence: Evidence

    def fault(self, evidence: Evidence | None = None) -> Fault:
        """The fault; `evidence` in place of the exception's own, where more is known."""
        if evidence is None:
            evidence = self.evidence
        blame = blame_for(self.reason, evidence)
        return Fault(reason=self.reason, phase=self.phase, blame=blame, detail=self.detail, evidence=evidence)


def classify(exc: BaseException, phase: str = Phase.CONNECT) -> Fault:
    """Name why `exc` ended a dial in `phase`.

    Looks at the exception and at everything behind it (causes, contexts, groups, lists named `errors`), nearest first;
    the first that says something decides. Never raises. What nothing explains is ``handshake_error`` in a handshake
    and ``other`` elsewhere, with type, errno and text kept in the detail.

    Args:
        exc: what ended the dial.
        phase: name of the phase it was raised in; an unknown one counts as ``any``.
    """
    found = explain(exc, phase)
    if isinstance(found, Fault):
        return found
    try:
        return found.fault()
    except Exception:  # noqa: BLE001 - the evidence of a foreign exception may do anything when it is compared
        return _unexplained(exc, found.phase, Evidence()).fault()


def explain(
    exc: BaseException, phase: str, *, known: Mapping[int, Fault | None] = MappingProxyType({})
) -> Explanation | Fault:
    """The same as `classify`, for a caller that knows more evidence and has yet to find who is to blame.

    Args:
        exc: what ended the dial.
        phase: name of the phase it was raised in; an unknown one counts as ``any``.
        known: what is known already of exceptions, by their `id`: a fault, which is returned as it is, or None for an
            exception that is not of this dial.
    """
    try:
        in_phase = Phase(phase)
    except ValueError:
        in_phase = Phase.ANY
    try:
        return _explain(exc, in_phase, known) or _unexplained(exc, in_phase, _errno_evidence(exc))
    except Exception:  # noqa: BLE001 - the attributes of a foreign exception are code and may do anything
        return _unexplained(exc, in_phase, Evidence())


def _explain(exc: BaseException, phase: Phase, known: Mapping[int, Fault | None]) -> Explanation | Fault | None:
    for link in _chain(exc, {number for number, fault in known.items() if fault is None}):
        fault = known.get(id(link))
        if fault is not None:
            return fault
        found = _classify_one(link, phase)
        if found is not None:
            reason, detail, evidence = found
            return Explanation(reason, phase, detail, evidence)
    return None


def _unexplained(exc: BaseException, phase: Phase, evidence: Evidence) -> Explanation:
    reason = Reason.HANDSHAKE_ERROR if phase in _HANDSHAKE_PHASES else Reason.OTHER
    return Explanation(reason, phase, describe(exc), evidence)


def describe(exc: BaseException) -> str:
    """Type, errno and text of an exception, for people."""
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001 - a foreign __str__ may do anything
        text = "(its text cannot be read)"
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


_BY_TYPE: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
    ((asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit), Reason.CANCELLED),
    ((AddressError,), Reason.INVALID_IPV4_ENDPOINT),
    # Without an errno the type still tells; asyncio's drain() raises a bare ConnectionResetError.
    ((ConnectionRefusedError,), Reason.CONNECTION_REFUSED),
    ((ConnectionResetError, BrokenPipeError), Reason.CONNECTION_RESET),
    ((EOFError,), Reason.REMOTE_CLOSED),  # asyncio.IncompleteReadError among them
    ((MemoryError,), Reason.NO_MEMORY),
)


def _classify_one(exc: BaseException, phase: Phase) -> tuple[Reason, str | None, Evidence] | None:
    match exc:
        case PeerRejected():
            return *_of_stated(exc), cast("Evidence", exc.evidence)
        case DialSkipped():
            return *_of_stated(exc), Evidence()
        case socket.gaierror():
            return _of_resolver_error(exc)
        case _ if _is_tls_error(exc):
            return _of_tls_error(exc)
        case OSError(errno=int(number)) if (reason := reason_of_errno(number, phase)) is not None:
            return reason, describe(exc), _errno_evidence(exc)
        case TimeoutError():
            return reason_of_deadline(phase), str(exc) or None, Evidence()
        case _:
            reason = next((reason for types, reason in _BY_TYPE if isinstance(exc, types)), None)
            return (reason, describe(exc), Evidence()) if reason else None


def _of_stated(exc: PeerRejected | DialSkipped) -> tuple[Reason, str | None]:
    reason = Reason.named(exc.reason)
    return (reason, exc.detail) if reason else (Reason.OTHER, str(exc))


def _of_resolver_error(exc: socket.gaierror) -> tuple[Reason, str | None, Evidence]:
    number = exc.errno
    if number == getattr(socket, "EAI_SYSTEM", None):
        # The system error behind it is not passed on by CPython; the resolver could not be asked.
        return Reason.DNS_TEMPORARY, describe(exc), Evidence()
    reason = reason_of_resolver_error(number) if number is not None else None
    return reason or Reason.DNS_TEMPORARY, describe(exc), Evidence()


def _is_tls_error(exc: BaseException) -> bool:
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(exc, ssl.SSLError)


def _of_tls_error(exc: BaseException) -> tuple[Reason, str | None, Evidence]:
    # Its errno is OpenSSL's, not the kernel's: 1 would read as EPERM.
    ssl = sys.modules["ssl"]
    closed = isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return Reason.REMOTE_CLOSED if closed else Reason.HANDSHAKE_ERROR, describe(exc), Evidence()


def _errno_evidence(exc: BaseException) -> Evidence:
    number = getattr(exc, "errno", None)
    name = errno.errorcode.get(number) if isinstance(number, int) else None
    return Evidence(errno=name) if name else Evidence()


def _chain(exc: BaseException, foreign: AbstractSet[int]) -> Iterator[BaseException]:
    """`exc` and what is behind it, nearest first, without those whose `id` is in `foreign` and what is behind them."""
    waiting: deque[object] = deque([exc])
    seen = set(foreign)
    while waiting and len(seen) < MAX_LINKS:
        link = waiting.popleft()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions[:MAX_LINKS])
        errors = getattr(link, "errors", None)  # as py-libp2p's MultiError holds them
        if isinstance(errors, list | tuple):
            waiting.extend(errors[:MAX_LINKS])
        waiting.append(link.__cause__)
        if not link.__suppress_context__:
            waiting.append(link.__context__)
