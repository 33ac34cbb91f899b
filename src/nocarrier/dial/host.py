"""What this machine and process have to dial with: descriptors, local ports, routes, interfaces.

Read from what the kernel shows anybody (proc_net(5), proc_pid_fd(5), getrlimit(2)); no packet is sent. What cannot be
read is None: not known.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nocarrier.dial.routes import read_routes
from nocarrier.model.fault import Evidence
from nocarrier.model.host_state import HostState
from nocarrier.model.taxonomy import Reason

if sys.platform == "linux":
    import resource

_OPEN_FILES = Path("/proc/self/fd")
_LOCAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_SOCKETS = (Path("/proc/net/sockstat"), Path("/proc/net/sockstat6"))
_COUNTED_SOCKETS = {"TCP:": ("inuse", "tw"), "TCP6:": ("inuse",)}
"""TIME_WAIT is counted for both families at once, in the line of IPv4."""


def read_host_state() -> HostState:
    """One look at this machine. Never raises; blocks for less than a millisecond. On other systems nothing is known."""
    if sys.platform != "linux":
        return HostState()
    routes = read_routes()
    return HostState(
        open_files=_count_open_files(),
        open_files_limit=_limit_open_files(),
        ephemeral_ports=_count_ephemeral_ports(),
        tcp_sockets=_count_tcp_sockets(),
        has_default_ipv4=routes.default_ipv4 if routes else None,
        has_default_ipv6=routes.default_ipv6 if routes else None,
        gateways=routes.gateways if routes else (),
        reject_routes=routes.reject_routes if routes else (),
        interfaces_up=routes.interfaces_up if routes else None,
    )


def exhaustion_evidence(reason: Reason) -> Evidence:
    """How many there can be of what `reason` says has run out, and how many are in use; empty for other reasons."""
    evidence = Evidence()
    if reason is Reason.FD_EXHAUSTED:
        limit, in_use = _limit_open_files(), _count_open_files()
    elif reason is Reason.EPHEMERAL_PORTS_EXHAUSTED:
        limit, in_use = _count_ephemeral_ports(), _count_tcp_sockets()
    else:
        return evidence
    if limit is not None:
        evidence["limit"] = limit
    if in_use is not None:
        evidence["in_use"] = in_use
    return evidence


def _limit_open_files() -> int | None:
    if sys.platform != "linux":
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


def _count_open_files() -> int | None:
    try:
        # Since Linux 6.2 the directory says how many it holds, which costs no descriptor: there may be none left.
        return _OPEN_FILES.stat().st_size or len(list(_OPEN_FILES.iterdir())) - 1  # without the one that lists them
    except OSError:
        return None


def _count_ephemeral_ports() -> int | None:
    try:
        first, last = map(int, _LOCAL_PORTS.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return None
    return last - first + 1


def _count_tcp_sockets() -> int | None:
    """TCP sockets of this machine (of its network namespace), TIME_WAIT and those that listen included."""
    found: list[int] = []
    try:
        for path in _SOCKETS:
            if not path.exists():  # no IPv6 in this kernel
                continue
            for line in path.read_text(encoding="ascii").splitlines():
                name, *words = line.split()
                counts = dict(zip(words[::2], map(int, words[1::2]), strict=True))
                found += [counts[key] for key in _COUNTED_SOCKETS.get(name, ())]
    except (OSError, ValueError, KeyError):
        return None
    return sum(found) if found else None
