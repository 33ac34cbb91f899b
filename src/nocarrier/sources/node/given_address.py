"""An address as somebody gave it: a person, a setting, a file. Parsed here, once, it is an Address from then on.

What cannot be parsed is kept as it was given, as then a record says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nocarrier.errors import AddressError
from nocarrier.model.address import Address
from nocarrier.sources.node.options import DEFAULT_P2P_PORT


@dataclass(frozen=True, slots=True)
class NotAnAddress:
    """A text that cannot be dialed as it is written."""

    text: str
    why: str

    def __str__(self) -> str:
        return self.text


GivenAddress: TypeAlias = Address | NotAnAddress


def read_address(text: str) -> GivenAddress:
    """`text` as an address, with the default P2P port where it names none."""
    try:
        return Address.parse(text, default_port=DEFAULT_P2P_PORT)
    except AddressError as error:
        return NotAnAddress(text, str(error))
