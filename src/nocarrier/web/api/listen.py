"""The socket that the API listens on."""

from __future__ import annotations

import errno
import socket

from nocarrier.errors import ConfigError
from nocarrier.model.listen import check_listen

BACKLOG = 128
"""Connections that wait to be accepted; more than the API ever serves at once."""


def bind(listen: str, token: str | None) -> socket.socket:
    """A listening socket, so that a busy port is known before anything else starts.

    Raises:
        ConfigError: as `check_listen`; or the address is busy or cannot be had.
    """
    host, port = check_listen(listen, token)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"listen = {listen!r} under [http] cannot work: {error.strerror}") from error
    try:
        # Else a restart would have to wait for the last sessions to leave TIME_WAIT.
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
            f"port {port} of listen = {listen!r} under [http] is in use; stop the program that has it "
            f"(ss -ltnp 'sport = :{port}' names it), or set another port"
        )
    if error.errno == errno.EACCES:
        return f"this user may not listen on {listen!r}; set a port above 1023 in listen under [http]"
    return f"cannot listen on {listen!r}: {error.strerror}; set an address of this machine in listen under [http]"
