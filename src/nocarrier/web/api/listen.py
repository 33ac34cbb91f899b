"""The socket that the API listens on."""

from __future__ import annotations

import errno
import socket

from nocarrier.errors import ConfigError
from nocarrier.model.listen import check_listen

BACKLOG = 128
"""How many connections may wait to be accepted; more than ever arrive at once in normal use."""


def bind(listen: str, token: str | None) -> socket.socket:
    """Return a listening socket. Called before anything else starts, so that a busy port is reported first.

    Raises:
        ConfigError: as `check_listen`; or the address is in use or cannot be bound.
    """
    host, port = check_listen(listen, token)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"cannot listen on listen = {listen!r} under [http]: {error.strerror}") from error
    try:
        # Without it, a restart would have to wait until the last connections leave TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(_why_not(listen, port, error)) from error
    return listener


def _why_not(listen: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of listen = {listen!r} under [http] is in use; stop the program that uses it "
            f"(ss -ltnp 'sport = :{port}' names it), or set another port"
        )
    if error.errno == errno.EACCES:
        return f"this user may not listen on {listen!r}; use a port above 1023 for listen under [http]"
    return f"cannot listen on {listen!r}: {error.strerror}; use an address of this machine for listen under [http]"
