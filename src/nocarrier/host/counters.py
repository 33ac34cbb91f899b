"""The counters of this host's network stack that tell apart what a failed dial looks alike from.

They count for the whole host (for its network namespace): a difference is evidence for one dial only where no other
ran meanwhile. Sources: proc_net(5) and linux/snmp.h; what each means for a dial was measured in network namespaces.
"""

from __future__ import annotations

from pathlib import Path

DIALS_BEGUN = "Tcp.ActiveOpens"
"""Connection attempts of all programs."""

TELLING_COUNTERS = {
    DIALS_BEGUN: "connection attempts of this host; more than one: the others may be somebody else's",
    "Tcp.OutRsts": "RSTs that this host sent: the refusal came from here, as by a redirect rule or a local proxy",
    "Tcp.InCsumErrors": "segments that came damaged, and were thrown away",
    "TcpExt.TCPRetransFail": "SYNs that this host could not send again: a firewall of its own drops them",
    "TcpExt.IPReversePathFilter": "packets thrown away, as the route back takes another interface (rp_filter)",
    "TcpExt.ListenOverflows": "connections to this host that found a full accept queue",
    "Icmp.InDestUnreachs": "ICMP errors that came, also from this host itself",
    "Icmp.OutDestUnreachs": "ICMP errors that this host sent: a firewall rule of its own refuses",
    "Icmp6.InDestUnreachs": "as Icmp.InDestUnreachs, IPv6",
    "Icmp6.OutDestUnreachs": "as Icmp.OutDestUnreachs, IPv6",
}
"""What is read, and why."""

_TABLES = (Path("/proc/net/snmp"), Path("/proc/net/netstat"))
"""Pairs of lines: names, values."""
_LIST = Path("/proc/net/snmp6")
"""A line for each, such as Icmp6InDestUnreachs."""


def read_counters() -> dict[str, int]:
    """The telling counters of this host; empty where this system does not show them. Blocks for some 0.1 ms."""
    found: dict[str, int] = {}
    try:
        for path in _TABLES:
            lines = path.read_text(encoding="utf-8").splitlines()
            for names, values in zip(lines[::2], lines[1::2], strict=True):
                group, *keys = names.split()
                _, *numbers = values.split()
                found |= {f"{group[:-1]}.{key}": int(number) for key, number in zip(keys, numbers, strict=True)}
        if _LIST.exists():  # not with IPv6 off
            for line in _LIST.read_text(encoding="utf-8").splitlines():
                key, number = line.split()
                found[key.replace("Icmp6", "Icmp6.", 1)] = int(number)
    except (OSError, ValueError):
        return {}  # a sandbox hides them
    return {key: found[key] for key in TELLING_COUNTERS if key in found}


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how much each counter grew, without those that did not."""
    return {key: after[key] - before[key] for key in after if after[key] > before.get(key, after[key])}
