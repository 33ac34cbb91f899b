"""An overview of what this machine and process have to dial with: descriptors, local ports, routes, interfaces."""

from __future__ import annotations

import os
import sys

from nocarrier.host.limits import count_ephemeral_ports, count_open_files, count_tcp_sockets, limit_open_files
from nocarrier.host.nameservers import read_nameservers
from nocarrier.host.routes import read_routes
from nocarrier.model.host_state import HostState


def read_host_state() -> HostState:
    """Look at this machine once; what cannot be read is None. Never raises.

    Blocks for some 0.2 ms; sends no packet. On systems other than Linux nothing is known.
    """
    if sys.platform != "linux":
        return HostState()
    routes = read_routes()
    return HostState(
        pid=os.getpid(),
        open_files=count_open_files(),
        open_files_limit=limit_open_files(),
        ephemeral_ports=count_ephemeral_ports(),
        tcp_sockets=count_tcp_sockets(),
        has_default_ipv4=routes.default_ipv4 if routes else None,
        has_default_ipv6=routes.default_ipv6 if routes else None,
        gateways=routes.gateways if routes else (),
        reject_routes=routes.reject_routes if routes else (),
        interfaces_up=routes.interfaces_up if routes else None,
        interfaces_down=routes.interfaces_down if routes else (),
        nameservers=read_nameservers(),
    )
