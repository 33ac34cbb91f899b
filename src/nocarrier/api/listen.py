"""Where the API listens, and who may reach it without a token. No web library, as the settings need it too."""

from __future__ import annotations

import errno
import socket

from nocarrier.errors import ConfigError
from nocarrier.model.address import Scope, parse_ip, scope_of
from nocarrier.model.listen import parse_listen

DEFAULT_LISTEN = "127.0.0.1:7070"

ALLOWED_WITHOUT_TOKEN = (
    f"a loopback address such as {DEFAULT_LISTEN} while there is no token, because whoever reaches the API can make "
    "this node dial anybody; set token under [http] to listen elsewhere"
)

WHAT_A_TOKEN_IS = "visible ASCII characters without spaces"  # noqa: S105 - a description

BACKLOG = 128
"""Connections that wait to be accepted; more than the API ever serves at once."""


def is_token(text: str) -> bool:
    """Whether `text` can stand in an Authorization header: visible ASCII without spaces."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def is_loopback(host: str) -> bool:
    """Whether `host` is reached from this machine only."""
    ip = parse_ip(host)
    return host == "localhost" if ip is None else scope_of(ip) is Scope.LOOPBACK


def check_listen(listen: str, token: str | None) -> tuple[str, int]:
    """Host and port to listen on; port 0 lets the kernel choose.

    Raises:
        ConfigError: not host:port, or reachable from other machines without a token, or a token that no request
            could bear.
    """
    host, port = parse_listen("listen", listen)
    if not token and not is_loopback(host):
        raise ConfigError(f"listen = {listen!r} cannot work; allowed is {ALLOWED_WITHOUT_TOKEN}")
    if token and not is_token(token):
        raise ConfigError(f"token cannot work; allowed is {WHAT_A_TOKEN_IS}")
    return host, port


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
