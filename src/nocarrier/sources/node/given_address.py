"""An address as it was given, by a person, a setting or a file. It is parsed here, once; after that it is an Address.

A text that cannot be parsed is kept as it was given, so that its record can say what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nocarrier.errors import AddressError
from nocarrier.model.address import Address
from nocarrier.sources.node.options import DEFAULT_P2P_PORT


@dataclass(frozen=True, slots=True)
class NotAnAddress:
    """A text that is not a dialable address."""

    text: str
    why: str

    def __str__(self) -> str:
        return self.text


GivenAddress: TypeAlias = Address | NotAnAddress


def read_address(text: str) -> GivenAddress:
    """Parse `text` as an address, with the default P2P port if it names none."""
    try:
        return Address.parse(text, default_port=DEFAULT_P2P_PORT)
    except AddressError as error:
        return NotAnAddress(text, str(error))
