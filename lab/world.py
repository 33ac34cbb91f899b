"""The world of one scenario: four hosts in a row, each a network namespace, with addresses drawn at random.

```
here eth0 ─── lan gateway wan ─── gateway backbone internet ─── eth0 internet
```

`here` runs the node under test. `internet` has the addresses of all peers, each in a network of its own, so that the
gateway, the backbone and the peer's own firewall are three different hops in ICMP errors. IPv6 runs beside IPv4.
"""

from __future__ import annotations

import contextlib
import ipaddress
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from lab.wire import Wire, WireSettings
from nocarrier.model.address import Scope, scope_of
from testbed.netns import Namespace, Namespaces

_FIRST_INTERFACE = 100
"""The interface index of each link's near end; `testbed.netns` says why the two ends must not have the same."""

_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("2001::/32", "2002::/16")))
"""Teredo and 6to4: their addresses contain an IPv4 address."""

_PORTS = (1_024, 32_767)
"""Below Linux's ephemeral ports, so that no outgoing connection can occupy the chosen one."""


@dataclass(frozen=True, slots=True)
class Place:
    """The addresses of one host."""

    ipv4: str
    network: str
    """The /16 of `ipv4`, in which there is no other host."""
    ipv6: str
    network6: str
    """The /32 of `ipv6`, likewise."""


class World(Namespaces):
    """The hosts and the links between them.

    Args:
        rng: draws every address.
        behind_nat: `here` has private addresses, and the gateway replaces them by its own.
        wire: what the link `wire_between` does to packets, if it is to be a wire with faults.
        wire_between: the roles of two neighbours, in the order of the drawing above.
    """

    here: Namespace
    gateway: Namespace
    backbone: Namespace
    internet: Namespace

    def __init__(
        self,
        rng: random.Random,
        *,
        behind_nat: bool = False,
        wire: WireSettings | None = None,
        wire_between: tuple[str, str] = ("gateway", "backbone"),
    ) -> None:
        super().__init__()
        self._rng = rng
        self._behind_nat = behind_nat
        self._wire_settings = wire
        self._wire_between = set(wire_between)
        self._networks: set[str] = set()
        self._rules: dict[str, dict[str, list[str]]] = {}
        self._gateway_wan = ""
        self.wire: Wire | None = None
        """The wire with faults, if there is one; `wire.set` changes it."""

    # ---- building -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make the hosts, link them, and route between them."""
        for role in ("here", "gateway", "backbone", "internet"):
            setattr(self, role, self.add(role))
        self.lan = self._link(self.here, "eth0", self.gateway, "lan", private=self._behind_nat)
        wan = self._link(self.gateway, "wan", self.backbone, "gateway")
        uplink = self._link(self.internet, "eth0", self.backbone, "internet")
        self.here.ipv4, self.here.ipv6 = self.lan.near.ipv4, self.lan.near.ipv6
        self.gateway.ipv4, self.gateway.ipv6 = self.lan.far.ipv4, self.lan.far.ipv6
        self.backbone.ipv4, self.backbone.ipv6 = wan.far.ipv4, wan.far.ipv6
        self.internet.ipv4, self.internet.ipv6 = uplink.near.ipv4, uplink.near.ipv6
        self._gateway_wan = wan.near.ipv4
        for host, link in ((self.here, self.lan), (self.gateway, wan), (self.internet, uplink)):
            ip_batch(host, [f"route add default via {hop}" for hop in (link.far.ipv4, link.far.ipv6)])
        for router in (self.gateway, self.backbone):
            router.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
        if self._behind_nat:
            self.nat("postrouting", "oifname wan masquerade")
        else:
            home = self.lan.near
            ip_batch(
                self.backbone,
                [f"route add {home.network} via {wan.near.ipv4}", f"route add {home.network6} via {wan.near.ipv6}"],
            )

    def close(self) -> None:
        """Remove every host and cut the wire."""
        with contextlib.ExitStack() as both:
            both.callback(super().close)
            if self.wire is not None:
                both.callback(self.wire.close)

    def _link(
        self, near: Namespace, near_device: str, far: Namespace, far_device: str, *, private: bool = False
    ) -> Link:
        link = self._draw_link(private=private)
        roles = {host.name.rpartition("-")[2] for host in (near, far)}
        if self._wire_settings is not None and roles == self._wire_between:
            ends = (near.name, near_device), (far.name, far_device)
            self.wire = Wire(ends, self._wire_settings, seed=self._rng.getrandbits(32))
        else:
            index = f"index {_FIRST_INTERFACE}"
            ip_batch(near, [f"link add {near_device} {index} type veth peer name {far_device} netns {far.name}"])
        for host, device, place in ((near, near_device, link.near), (far, far_device, link.far)):
            ip_batch(
                host,
                [
                    f"address add {place.ipv4}/24 dev {device}",
                    f"address add {place.ipv6}/64 dev {device} nodad",
                    f"link set {device} up",
                ],
            )
        return link

    # ---- drawing --------------------------------------------------------------------------------------------------

    def draw_place(self, *, carried: bool = True) -> Place:
        """A host on the internet at random addresses; the backbone routes to it.

        `carried`: the internet has these addresses, so a port on which nothing listens answers with a reset. Otherwise
        nobody answers.
        """
        network, network6 = self._draw_network(), self._draw_network6()
        # Not the first and last few, which the hosts of links use.
        ipv4 = ipaddress.ip_address(int(network.network_address) + self._rng.randrange(1_024, 65_000))
        ipv6 = ipaddress.ip_address(int(network6.network_address) + self._rng.randrange(2**64, 2**96))
        place = Place(str(ipv4), str(network), str(ipv6), str(network6))
        hops = {place.network: self.internet.ipv4, place.network6: self.internet.ipv6}
        ip_batch(self.backbone, [f"route add {target} via {hop}" for target, hop in hops.items()])
        if carried:
            self.carry(place)
        return place

    def draw_port(self) -> int:
        """A port to listen on."""
        return self._rng.randint(*_PORTS)

    def _draw_network(self) -> ipaddress.IPv4Network:
        while True:
            network = ipaddress.IPv4Network((self._rng.randrange(2**16) << 16, 16))
            if scope_of(network[0]) is scope_of(network[-1]) is Scope.PUBLIC and self._is_new(network):
                return network

    def _draw_network6(self) -> ipaddress.IPv6Network:
        while True:
            # RFC 4291 section 2.4, as allocated so far: global unicast begins with the bits 001.
            network = ipaddress.IPv6Network((self._rng.randrange(0x2000_0000, 0x4000_0000) << 96, 32))
            if not any(map(network.overlaps, _TRANSLATED)) and self._is_new(network):
                return network

    def _is_new(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
        is_new = str(network) not in self._networks
        self._networks.add(str(network))
        return is_new

    def _draw_link(self, *, private: bool) -> Link:
        if private:
            network = ipaddress.IPv4Network(f"192.168.{self._rng.randrange(256)}.0/24")
            network6 = ipaddress.IPv6Network((0xFD << 120 | self._rng.getrandbits(40) << 80, 64))
        else:
            network, network6 = self._draw_network(), self._draw_network6()
        near, far = (Place(str(network[n]), str(network), str(network6[n]), str(network6)) for n in (2, 1))
        return Link(near, far)

    # ---- faults ---------------------------------------------------------------------------------------------------

    def carry(self, place: Place) -> None:
        """Give the addresses of `place` to the internet."""
        ip_batch(self.internet, [f"address add {place.ipv4}/32 dev lo", f"address add {place.ipv6}/128 dev lo nodad"])

    def drop_place(self, place: Place) -> None:
        """Take the addresses of `place` from the internet, as if that host lost power: nobody answers any more."""
        ip_batch(self.internet, [f"address del {place.ipv4}/32 dev lo", f"address del {place.ipv6}/128 dev lo"])

    def unroute(self, place: Place) -> None:
        """Remove the backbone's routes to the networks of `place`: it reports that the network is unreachable."""
        ip_batch(self.backbone, [f"route del {place.network}", f"route del {place.network6}"])

    def expect_on_link(self, place: Place, *, by: Namespace) -> None:
        """Make `by` (here, gateway or backbone) look for `place` on its own next link, where nobody answers for it."""
        device = {self.here.name: "eth0", self.gateway.name: "wan", self.backbone.name: "internet"}[by.name]
        ip_batch(by, [f"route replace {place.ipv4}/32 dev {device}", f"route replace {place.ipv6}/128 dev {device}"])

    def firewall(self, host: Namespace, hook: str, *rules: str) -> None:
        """Add nft(8) rules for IPv4 and IPv6 at `hook` (input, forward or output) of `host`, after those it has."""
        self._add_rules(host, f"type filter hook {hook} priority 0", rules)

    def nat(self, hook: str, *rules: str) -> None:
        """Add nft(8) rules of address translation at `hook` (prerouting or postrouting) of the gateway."""
        self._add_rules(self.gateway, f"type nat hook {hook} priority 0", rules)

    def lift_firewall(self, host: Namespace) -> None:
        """Remove all filter rules of `host`; address translation stays."""
        chains = self._rules.get(host.name, {})
        self._rules[host.name] = {kind: rules for kind, rules in chains.items() if kind.startswith("type nat")}
        self._load_rules(host)

    def forward_port(self, port: int, *, hairpin: bool = False) -> None:
        """Make the gateway forward `port` of its own address to `here`; with `hairpin` also for `here` itself."""
        reached = f"ip daddr {self._gateway_wan} tcp dport {port}"
        self.nat("prerouting", f"{'' if hairpin else 'iifname wan '}{reached} dnat ip to {self.here.ipv4}")
        if hairpin:
            self.nat("postrouting", f"oifname lan ip saddr {self.here.ipv4} masquerade")

    @property
    def public_ipv4(self) -> str:
        """Where the internet sees `here`."""
        return self._gateway_wan if self._behind_nat else self.here.ipv4

    def link_down(self) -> None:
        """Pull the cable of `here`; its routes go with it."""
        self.here.ip("link", "set", "eth0", "down")

    def link_up(self) -> None:
        """Put the cable of `here` back, and set what a DHCP client would set."""
        self.here.ip("link", "set", "eth0", "up")
        self.here.ip("address", "replace", f"{self.here.ipv6}/64", "dev", "eth0", "nodad")
        self.add_default_routes()

    def add_default_routes(self) -> None:
        """Add the default routes of `here`."""
        hops = self.gateway.ipv4, self.gateway.ipv6
        ip_batch(self.here, [f"route replace default via {hop}" for hop in hops])

    def _add_rules(self, host: Namespace, kind: str, rules: Sequence[str]) -> None:
        self._rules.setdefault(host.name, {}).setdefault(kind, []).extend(rules)
        self._load_rules(host)

    def _load_rules(self, host: Namespace) -> None:
        chains = "\n".join(
            f"chain chain{number} {{\n" + "\n".join([f"{kind};", *rules]) + "\n}"
            for number, (kind, rules) in enumerate(self._rules[host.name].items())
        )
        host.nft(f"table inet lab {{\n{chains}\n}}")


@dataclass(frozen=True, slots=True)
class Link:
    """The two ends of a link."""

    near: Place
    far: Place
    """The end nearer to the backbone; the default route of the other end."""


def ip_batch(host: Namespace, commands: Sequence[str]) -> None:
    """Run several ip(8) commands in `host` in one process."""
    done = subprocess.run(
        ["ip", "-n", host.name, "-batch", "-"], input="\n".join(commands), text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{host.name}: {'; '.join(commands)}: {done.stderr}")
