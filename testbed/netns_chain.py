"""A network with a longer path: client - router1 - router2 - router3 - server.

```python
with Chain() as net:
    net.routers[1].firewall("forward", "tcp dport 7072 drop")
    net.server.popen([...])
```
"""

from __future__ import annotations

import itertools
from pathlib import Path

from testbed.netns import _HOST_INTERFACE, Namespace, Namespaces, _ip

SLOW_LINK = Path(__file__).with_name("slow_link.py")
ROUTERS = 3


class Chain(Namespaces):
    """Link i, from 1 on, is 198.18.i.0/24 and 2001:db8:i::/64; .1 and ::1 are at the client's end, .2 and ::2 beyond.

    A host names its interfaces `left` (towards the client) and `right` (towards the server). A router sends ICMP errors
    to the client from its left one, so router i appears as 198.18.i.2 and 2001:db8:i::2, and that is its address here.
    """

    client: Namespace
    routers: tuple[Namespace, ...]
    server: Namespace

    def __init__(self, delay_s: float = 0.0) -> None:
        """With `delay_s` the first link delays every packet by that many seconds, in both directions."""
        super().__init__()
        self._delay_s = delay_s

    def build(self) -> None:
        """Make the hosts and the links."""
        self.client = self.add("client")
        self.routers = tuple(self.add(f"router{number}") for number in range(1, ROUTERS + 1))
        self.server = self.add("server")
        row = (self.client, *self.routers, self.server)
        for link, (left, right) in enumerate(itertools.pairwise(row), start=1):
            ipv4, ipv6 = f"198.18.{link}", f"2001:db8:{link}:"
            right.ipv4, right.ipv6 = f"{ipv4}.2", f"{ipv6}:2"
            if self._delay_s and left is self.client:
                left.start_python(SLOW_LINK, right.name, self._delay_s)
            else:
                _ip(left.name, [f"link add right index {_HOST_INTERFACE} type veth peer name left netns {right.name}"])
            to_server = [f"route add default via {right.ipv4}", f"route add default via {right.ipv6}"]
            _ip(left.name, [*_interface("right", f"{ipv4}.1", f"{ipv6}:1"), *to_server])
            to_client = [f"route add 198.18.1.0/24 via {ipv4}.1", f"route add 2001:db8:1::/64 via {ipv6}:1"]
            _ip(right.name, [*_interface("left", right.ipv4, right.ipv6), *(to_client if link > 1 else ())])
        self.client.ipv4, self.client.ipv6 = "198.18.1.1", "2001:db8:1::1"
        for router in self.routers:
            router.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])


def _interface(name: str, ipv4: str, ipv6: str) -> list[str]:
    return [
        f"address add {ipv4}/24 dev {name}",
        f"address add {ipv6}/64 dev {name} nodad",
        f"link set {name} up",
    ]
