"""Which name servers the resolver of this machine asks."""

from __future__ import annotations

from pathlib import Path

_RESOLV_CONF = Path("/etc/resolv.conf")

MAX_NAMESERVERS = 3
"""resolv.conf(5): MAXNS; the resolver ignores further ones."""


def read_nameservers() -> tuple[str, ...]:
    """The name servers of /etc/resolv.conf in their order; empty if it has none or cannot be read."""
    try:
        lines = _RESOLV_CONF.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(line[1] for line in words if len(line) > 1 and line[0] == "nameserver")[:MAX_NAMESERVERS]
