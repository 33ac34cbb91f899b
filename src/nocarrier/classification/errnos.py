"""What each errno of a connection means: the one table, by phase."""

from __future__ import annotations

import errno
import socket

from nocarrier.model.taxonomy import Phase, Reason

# errno(3) and connect(2); which fault gives which errno was measured with real firewalls and routes.
_ANY_PHASE: dict[int, Reason] = {
    errno.ECONNREFUSED: Reason.CONNECTION_REFUSED,
    errno.ECONNRESET: Reason.CONNECTION_RESET,
    errno.EPIPE: Reason.CONNECTION_RESET,  # the reset came before our write
    errno.ECONNABORTED: Reason.CONNECTION_ABORTED,
    errno.ENOTCONN: Reason.NOT_CONNECTED,
    errno.EADDRNOTAVAIL: Reason.ADDR_NOT_AVAILABLE,
    errno.EADDRINUSE: Reason.ADDR_NOT_AVAILABLE,  # bind to a fixed local address that is taken
    errno.ENETUNREACH: Reason.NETWORK_UNREACHABLE,
    errno.ENETDOWN: Reason.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: Reason.HOST_UNREACHABLE,
    errno.EHOSTDOWN: Reason.HOST_UNREACHABLE,
    errno.EMFILE: Reason.FD_EXHAUSTED,
    errno.ENFILE: Reason.FD_EXHAUSTED,
    errno.EPERM: Reason.PERMISSION_DENIED,
    errno.EACCES: Reason.PERMISSION_DENIED,  # also a `prohibit` route
    errno.EAFNOSUPPORT: Reason.FAMILY_UNAVAILABLE,
    errno.ENOMEM: Reason.NO_MEMORY,
    errno.ENOBUFS: Reason.NO_MEMORY,
}

_IN_PHASE: dict[tuple[int, Phase], Reason] = {
    # On an address that is valid, only a `blackhole` route makes connect() say EINVAL.
    (errno.EINVAL, Phase.CONNECT): Reason.ROUTE_BLACKHOLE,
}

# getaddrinfo(3). EAI_NODATA and EAI_ADDRFAMILY are GNU extensions and not defined everywhere.
_EAI: dict[int, Reason] = {
    code: reason
    for name, reason in (
        ("EAI_NONAME", Reason.DNS_NOT_FOUND),
        ("EAI_NODATA", Reason.DNS_NOT_FOUND),
        ("EAI_AGAIN", Reason.DNS_TEMPORARY),
        ("EAI_FAIL", Reason.DNS_TEMPORARY),
        ("EAI_ADDRFAMILY", Reason.DNS_NO_USABLE_FAMILY),
        ("EAI_MEMORY", Reason.NO_MEMORY),
    )
    if (code := getattr(socket, name, None)) is not None
}

_DEADLINE: dict[Phase, Reason] = {
    Phase.RESOLVE: Reason.DNS_TIMEOUT,
    Phase.SECURE: Reason.HANDSHAKE_TIMEOUT,
    Phase.HANDSHAKE: Reason.HANDSHAKE_TIMEOUT,
}


def reason_of_errno(number: int, phase: Phase) -> Reason | None:
    """The reason that `number` stands for in `phase`, or None where the table does not know it."""
    if number == errno.ETIMEDOUT:  # the kernel's deadline and ours are one reason
        return reason_of_deadline(phase)
    return _IN_PHASE.get((number, phase)) or _ANY_PHASE.get(number)


def reason_of_resolver_error(number: int) -> Reason | None:
    """The reason that an EAI code of getaddrinfo stands for, or None."""
    return _EAI.get(number)


def reason_of_deadline(phase: Phase) -> Reason:
    """The reason that a missed deadline stands for in `phase`."""
    return _DEADLINE.get(phase, Reason.TIMEOUT)
