"""The address at which others see us, as far as they agree."""

from __future__ import annotations

from collections import Counter

from nocarrier.errors import AddressError
from nocarrier.model.address import Address

MIN_OBSERVERS = 2
"""How many netgroups must agree before we believe what peers say our address is: one alone may lie, or be behind our
NAT."""

MAX_OBSERVERS = 256


class ObservedAddress:
    """What the peers of each netgroup say our IP address is."""

    def __init__(self) -> None:
        self._host_by_netgroup: dict[str, str] = {}

    def observe(self, netgroup: str, observed: str | None) -> None:
        """Note where a peer in `netgroup` sees us; nonsense is ignored."""
        if observed is None:
            return
        try:
            self._host_by_netgroup[netgroup] = Address.parse(observed).host
        except AddressError:
            return
        if len(self._host_by_netgroup) > MAX_OBSERVERS:
            del self._host_by_netgroup[next(iter(self._host_by_netgroup))]

    def forget(self, netgroup: str) -> None:
        """Note that the peer in `netgroup` is gone."""
        self._host_by_netgroup.pop(netgroup, None)

    def agreed(self) -> str | None:
        """The host that most netgroups see, or None while too few agree."""
        for host, count in Counter(self._host_by_netgroup.values()).most_common(1):
            if count >= MIN_OBSERVERS:
                return host
        return None
