"""Counters of this host's network stack that distinguish faults which look the same to a failed dial.

They count for the whole host (its network namespace), so a difference is evidence for one dial only if no other dial
ran meanwhile. Sources: proc_net(5) and linux/snmp.h; what each means for a dial was measured in network namespaces.
"""

from __future__ import annotations

from pathlib import Path

DIALS_BEGUN = "Tcp.ActiveOpens"
"""Connection attempts by all programs."""

TELLING_COUNTERS = {
    DIALS_BEGUN: "connection attempts of this host; if more than one, the others may belong to another program",
    "Tcp.OutRsts": "RSTs that this host sent: the refusal came from here, such as a redirect rule or a local proxy",
    "Tcp.InCsumErrors": "segments that arrived damaged and were dropped",
    "TcpExt.TCPRetransFail": "SYNs that this host could not send again: its own firewall drops them",
    "TcpExt.IPReversePathFilter": "packets dropped because the route back uses another interface (rp_filter)",
    "TcpExt.ListenOverflows": "connections to this host that found a full accept queue",
    "Icmp.InDestUnreachs": "ICMP errors received, including those from this host itself",
    "Icmp.OutDestUnreachs": "ICMP errors that this host sent: one of its own firewall rules refuses",
    "Icmp6.InDestUnreachs": "like Icmp.InDestUnreachs, for IPv6",
    "Icmp6.OutDestUnreachs": "like Icmp.OutDestUnreachs, for IPv6",
}
"""The counters that are read, and what each shows."""

_TABLES = (Path("/proc/net/snmp"), Path("/proc/net/netstat"))
"""Pairs of lines: names, then values."""
_LIST = Path("/proc/net/snmp6")
"""One line per counter, such as Icmp6InDestUnreachs."""


def read_counters() -> dict[str, int]:
    """The telling counters of this host; empty if this system does not show them. Blocks for some 0.1 ms."""
    found: dict[str, int] = {}
    try:
        for path in _TABLES:
            lines = path.read_text(encoding="utf-8").splitlines()
            for names, values in zip(lines[::2], lines[1::2], strict=True):
                group, *keys = names.split()
                _, *numbers = values.split()
                found |= {f"{group[:-1]}.{key}": int(number) for key, number in zip(keys, numbers, strict=True)}
        if _LIST.exists():  # it does not if IPv6 is off
            for line in _LIST.read_text(encoding="utf-8").splitlines():
                key, number = line.split()
                found[key.replace("Icmp6", "Icmp6.", 1)] = int(number)
    except (OSError, ValueError):
        return {}  # a sandbox hides them
    return {key: found[key] for key in TELLING_COUNTERS if key in found}


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how much each counter grew; counters that did not grow are left out."""
    return {key: after[key] - before[key] for key in after if after[key] > before.get(key, after[key])}
