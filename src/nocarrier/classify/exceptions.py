"""From an exception to the one fault it tells of: by type, then errno, then structured code; never by message text."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections import deque
from collections.abc import Iterator

from nocarrier.classify.blame import blame_for
from nocarrier.classify.errnos import reason_of_deadline, reason_of_errno, reason_of_resolver_error
from nocarrier.errors import AddressError, DialSkipped, PeerRejected
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Phase, Reason

MAX_LINKS = 64
"""Exceptions looked at in one chain or tree of causes; libraries nest six or seven deep."""

_HANDSHAKE_PHASES = frozenset({Phase.SECURE, Phase.HANDSHAKE})


def classify(exc: BaseException, phase: str = Phase.CONNECT) -> Fault:
    """Name why `exc` ended a dial in `phase`.

    Looks at the exception and at everything behind it (causes, contexts, groups, lists named `errors`), nearest first;
    the first that says something decides. Never raises. What nothing explains is ``handshake_error`` in a handshake
    and ``other`` elsewhere, with type, errno and text kept in the detail.
    """
    try:
        in_phase = Phase(phase)
    except ValueError:
        in_phase = Phase.ANY
    for link in _chain(exc):
        found = _classify_one(link, in_phase)
        if found is not None:
            reason, detail, evidence = found
            return Fault(
                reason=reason, phase=in_phase, blame=blame_for(reason, evidence), detail=detail, evidence=evidence
            )
    reason = Reason.HANDSHAKE_ERROR if in_phase in _HANDSHAKE_PHASES else Reason.OTHER
    evidence = _errno_evidence(exc)
    return Fault(
        reason=reason, phase=in_phase, blame=blame_for(reason, evidence), detail=describe(exc), evidence=evidence
    )


def describe(exc: BaseException) -> str:
    """Type, errno and text of an exception, for people."""
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001 - a foreign __str__ may do anything
        text = "(its text cannot be read)"
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _classify_one(exc: BaseException, phase: Phase) -> tuple[Reason, str | None, Evidence] | None:
    match exc:
        case asyncio.CancelledError() | KeyboardInterrupt() | SystemExit() | GeneratorExit():
            return Reason.CANCELLED, None, Evidence()
        case PeerRejected():
            return _of_rejection(exc)
        case DialSkipped():
            return Reason(exc.reason), exc.detail, Evidence()
        case AddressError():
            return Reason.INVALID_IPV4_ENDPOINT, str(exc), Evidence()
        case socket.gaierror():
            return _of_resolver_error(exc)
        case _ if _is_tls_error(exc):
            return _of_tls_error(exc)
        case OSError(errno=int(number)):
            reason = reason_of_errno(number, phase)
            return (reason, describe(exc), _errno_evidence(exc)) if reason else None
        case TimeoutError():
            return reason_of_deadline(phase), None, Evidence()
        case EOFError():  # asyncio.IncompleteReadError among them
            return Reason.REMOTE_CLOSED, describe(exc), Evidence()
        case MemoryError():
            return Reason.NO_MEMORY, describe(exc), Evidence()
        case _:
            return None


def _of_rejection(exc: PeerRejected) -> tuple[Reason, str | None, Evidence]:
    evidence = Evidence(**exc.evidence)  # type: ignore[typeddict-item] - the caller's own facts
    try:
        return Reason(exc.reason), exc.detail, evidence
    except ValueError:
        return Reason.OTHER, str(exc), evidence


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


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """`exc` and what is behind it, nearest first."""
    waiting: deque[object] = deque([exc])
    seen: set[int] = set()
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
