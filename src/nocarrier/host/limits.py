"""What a dial uses, how much of it there is, and how much is in use: descriptors and local ports.

Read from what the kernel shows to every user (proc(5), getrlimit(2)). What cannot be read is None: not known. Every
dialer imports this module up front, because a process without free descriptors could no longer import it. So it does
without pathlib, which takes longer to import than all of this.
"""

from __future__ import annotations

import os
import sys

from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Reason

if sys.platform == "linux":
    import resource

_OPEN_FILES = "/proc/self/fd"
_LOCAL_PORTS = "/proc/sys/net/ipv4/ip_local_port_range"
_SOCKETS_IPV4 = "/proc/net/sockstat"
_SOCKETS_IPV6 = "/proc/net/sockstat6"

_COUNTED_SOCKETS = {"TCP:": ("inuse", "tw"), "TCP6:": ("inuse",)}
"""TIME_WAIT is counted for both families together, in the line for IPv4."""


def exhaustion_evidence(reason: Reason) -> Evidence:
    """The limit of the resource that `reason` says has run out, and how much is in use; empty for other reasons."""
    evidence = Evidence()
    if reason is Reason.FD_EXHAUSTED:
        limit, in_use = limit_open_files(), count_open_files()
    elif reason is Reason.EPHEMERAL_PORTS_EXHAUSTED:
        limit, in_use = count_ephemeral_ports(), count_tcp_sockets()
    else:
        return evidence
    if limit is not None:
        evidence["limit"] = limit
    if in_use is not None:
        evidence["in_use"] = in_use
    return evidence


def limit_open_files() -> int | None:
    """How many descriptors this process may have."""
    if sys.platform != "linux":
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


def count_open_files() -> int | None:
    """How many descriptors this process has."""
    try:
        # Since Linux 6.2 the directory's size is the number of descriptors; to read it costs no descriptor, and there
        # may be none left.
        held = os.stat(_OPEN_FILES).st_size  # noqa: PTH116
        return held or len(os.listdir(_OPEN_FILES)) - 1  # noqa: PTH208 - minus the descriptor that lists them
    except OSError:
        return None


def count_ephemeral_ports() -> int | None:
    """How many local ports this machine can dial from."""
    try:
        first, last = map(int, _read(_LOCAL_PORTS).split())
    except (OSError, ValueError):
        return None
    return last - first + 1


def count_tcp_sockets() -> int | None:
    """TCP sockets of this machine (its network namespace), including TIME_WAIT and listening ones."""
    try:
        # If the kernel has no IPv6, there is no such file.
        text = _read(_SOCKETS_IPV4) + (_read(_SOCKETS_IPV6) if os.access(_SOCKETS_IPV6, os.R_OK) else "")
        found: list[int] = []
        for line in text.splitlines():
            name, *words = line.split()
            counts = dict(zip(words[::2], map(int, words[1::2]), strict=True))
            found += [counts[key] for key in _COUNTED_SOCKETS.get(name, ())]
    except (OSError, ValueError, KeyError):
        return None
    return sum(found) if found else None


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123
        return file.read()
