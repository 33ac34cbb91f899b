"""What this machine and process have to dial with, as plain values: evidence for faults that are our own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """One look at this machine. None: not known."""

    pid: int | None = None
    """Of the process whose limits these are."""
    open_files: int | None = None
    open_files_limit: int | None = None
    ephemeral_ports: int | None = None
    """How many local ports there are to dial from."""
    tcp_sockets: int | None = None
    """In use, and waiting for their port to become free (TIME_WAIT)."""
    has_default_ipv4: bool | None = None
    has_default_ipv6: bool | None = None
    gateways: tuple[str, ...] = ()
    """Next hops of the default routes."""
    reject_routes: tuple[str, ...] = ()
    """Networks that an unreachable, prohibit or blackhole route of this machine refuses."""
    interfaces_up: tuple[str, ...] | None = None
    """Without loopback."""
    interfaces_down: tuple[str, ...] = ()
    """Those that are not up, or have no carrier."""
    nameservers: tuple[str, ...] = ()
    """Of /etc/resolv.conf. May be any text that stands there."""
