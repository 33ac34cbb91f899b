"""The API for your own program: mounted in its ASGI server, or run in a thread beside it.

```python
import nocarrier

server = nocarrier.serve()              # http://127.0.0.1:7070/api/p2p/debug
nocarrier.record_dial_failure("203.0.113.7:7072", "connection_refused", "seed")
```
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nocarrier.dialing.policy import AddressPolicy
from nocarrier.doctor import Doctor
from nocarrier.host.overview import read_host_state
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX
from nocarrier.model.history import History
from nocarrier.model.listen import DEFAULT_LISTEN, check_listen
from nocarrier.model.node.state import NodePort
from nocarrier.probing.prober import Prober
from nocarrier.recorder import global_tracker
from nocarrier.tracking import DialTracker

if TYPE_CHECKING:
    from nocarrier.web.api.app import Application
    from nocarrier.web.api.server import Server

try:
    import httptools as _httptools  # noqa: F401 - uvicorn's parser, which uvicorn imports late
    import msgspec as _msgspec  # noqa: F401
    import prometheus_client as _prometheus_client  # noqa: F401
    import starlette as _starlette  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"nocarrier's API needs {error.name}, which is not installed; run: pip install 'nocarrier[node]'"
    ) from error


def asgi_app(
    tracker: DialTracker | None = None,
    *,
    node: NodePort | None = None,
    doctor: Doctor | None = None,
    prober: Prober | None = None,
    history: History | None = None,
    token: str | None = None,
    allowed_hosts: Iterable[str] | None = None,
) -> Application:
    """The API as an ASGI application that can be mounted in any server.

    Args:
        tracker: the dials to show; None: those of the global tracker.
        node: the node whose peers to show; None: the program has no nocarrier node.
        doctor: the doctor whose findings to show; None: a new one, which examines on request.
        prober: probes findings on request; None: a new one. It dials only addresses in findings: without
            a `node` all of them, because your own policy has allowed them; with a `node` only the public ones.
        history: what is kept across restarts, such as a `nocarrier.SqliteHistory`; None: nothing.
        token: secret that requests must carry (``Authorization: Bearer``).
        allowed_hosts: host names, without port, by which requests may reach the server, besides localhost, 127.0.0.1
            and [::1]. Without a token, add every other name that is used; with a token, None allows any name.
    """
    from nocarrier import __version__  # noqa: PLC0415 - the package imports this module
    from nocarrier.web.api.app import create_app  # noqa: PLC0415 - the web library is loaded on first use

    tracker = global_tracker() if tracker is None else tracker
    doctor = make_doctor(tracker, node, history) if doctor is None else doctor
    if history is not None:
        doctor.watch(history.tasks)
    return create_app(
        tracker,
        node,
        doctor,
        _prober_of_its_own(node) if prober is None else prober,
        history,
        version=__version__,
        token=token,
        allowed_hosts=allowed_hosts,
    )


def make_doctor(tracker: DialTracker, node: NodePort | None, history: History | None) -> Doctor:
    """A doctor for `tracker`, with the state of this machine; findings are kept in `history` if there is one."""
    on_findings = history.record_findings if history is not None else None
    return Doctor(tracker, node, read_host=read_host_state, on_findings=on_findings)


def _prober_of_its_own(node: NodePort | None) -> Prober:
    # Which networks a node may dial besides the public ones is known only by the code that made the node.
    policy = AddressPolicy() if node is not None else AddressPolicy(ipv4_only=False, lan_mode=True)
    prefix = node.state().netgroup_prefix if node is not None else DEFAULT_NETGROUP_PREFIX
    return Prober(policy, netgroup_prefix=prefix)


def serve(
    tracker: DialTracker | None = None,
    listen: str = DEFAULT_LISTEN,
    token: str | None = None,
    *,
    history: History | None = None,
) -> Server:
    """Run the API in a thread. When this returns, it answers at `.url`; `.close()` or leaving `with` stops it.

    Args:
        tracker: the dials to show; None: those of the global tracker.
        listen: host:port; port 0 lets the kernel choose. Any address but loopback needs a token.
        token: secret that requests must carry (``Authorization: Bearer``).
        history: what is kept across restarts, such as a `nocarrier.SqliteHistory` of the same tracker.

    Raises:
        ConfigError: the address is in use or not available, or needs a token; says what to change.
    """
    return api_server(tracker, history=history, listen=listen, token=token).start()


def api_server(
    tracker: DialTracker | None = None,
    *,
    node: NodePort | None = None,
    doctor: Doctor | None = None,
    prober: Prober | None = None,
    history: History | None = None,
    listen: str = DEFAULT_LISTEN,
    token: str | None = None,
) -> Server:
    """The same, not answering yet: ``await server.run()`` in your own event loop, until it is cancelled.

    The socket is bound at once, so that a busy port is known before anything else starts.

    Raises:
        ConfigError: as `serve`.
    """
    from nocarrier.web.api.server import Server  # noqa: PLC0415

    host, _ = check_listen(listen, token)
    # A server on another loopback address, such as 127.0.0.2, may be reached by that address.
    hosts = None if token else [f"[{host}]" if ":" in host else host]
    app = asgi_app(tracker, node=node, doctor=doctor, prober=prober, history=history, token=token, allowed_hosts=hosts)
    return Server(app, listen, token=token, before_stop=app.end_streams, supervisor=app.supervisor)
