"""Where a program of ours listens, as settings write it."""

from __future__ import annotations

from nocarrier.errors import AddressError, ConfigError
from nocarrier.model.address import Address


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
