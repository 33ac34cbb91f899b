"""Our own dialer: name look-up, one attempt per address on our own socket, timed phases, one record per dial.

Never imports `tracking`: it records through the port `DialRecorder` of `model`.
"""

from nocarrier.dialing.dial import DEFAULT_CONNECT_TIMEOUT_S, Dial, DialOptions
from nocarrier.dialing.policy import AddressPolicy, Block
from nocarrier.dialing.resolve import Resolve, resolve_with_system

__all__ = [
    "DEFAULT_CONNECT_TIMEOUT_S",
    "AddressPolicy",
    "Block",
    "Dial",
    "DialOptions",
    "Resolve",
    "resolve_with_system",
]
