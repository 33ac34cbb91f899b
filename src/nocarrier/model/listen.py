"""Where a nocarrier program listens, as settings write it, and which listen address of the API needs a token."""

from __future__ import annotations

from nocarrier.errors import AddressError, ConfigError
from nocarrier.model.address import Address, Scope, parse_ip, scope_of

DEFAULT_LISTEN = "127.0.0.1:7070"

ALLOWED_WITHOUT_TOKEN = (
    f"a loopback address such as {DEFAULT_LISTEN} while there is no token, because whoever reaches the API can make "
    "this node dial anybody; set token under [http] to listen elsewhere"
)

WHAT_A_TOKEN_IS = "visible ASCII characters without spaces"  # noqa: S105 - a description


def parse_listen(key: str, text: str) -> tuple[str, int]:
    """Host and port to listen on, written in the setting `key`; port 0 lets the kernel choose.

    Raises:
        ConfigError: not host:port.
    """
    host, _, port = text.rpartition(":")
    try:
        if port == "0":
            return Address.parse(f"{host}:1").host, 0
        address = Address.parse(text)
    except AddressError as exc:
        raise ConfigError(f"{key} = {text!r} is not host:port ({exc})") from None
    return address.host, address.port


def is_listen_address(text: str) -> bool:
    """Whether `parse_listen` can read it."""
    try:
        parse_listen("", text)
    except ConfigError:
        return False
    return True


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
