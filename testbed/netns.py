"""Networks for a single test, made of Linux network namespaces: real kernels, routers and faults, no outside world.

```python
with Network() as net:                                    # client - router - server
    port = net.server.fault_server("ssh")
    net.router.firewall("forward", "tcp dport 7072 reject with icmpx admin-prohibited")
    seen = net.client.python(DIAL, net.server.ipv4, port)  # a Python script in that namespace; it prints JSON
```

Names carry the pid of the process that made them, so that parallel runs never clash and leftovers of a dead one can be
swept up. Everything in a network is gone when its block ends, even after an exception, Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from testbed.programs import why_no_netns

REPOSITORY = Path(__file__).resolve().parents[1]
PYTHON_PATH = os.pathsep.join(str(REPOSITORY / part) for part in ("src", "."))
FAULT_SERVERS = REPOSITORY / "src/nocarrier/testing/fault_servers.py"
NETNS_DIRECTORY = Path("/run/netns")
ETC_DIRECTORY = Path("/etc/netns")
_NAME = re.compile(r"nc(\d+)-[0-9a-f]{8}-")

_SETTINGS = (
    # The kernel limits ICMP errors to about one per second per target (icmp(7)), which would turn many a reject in a
    # test into a timeout.
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0",
    # A new IPv6 address is unusable for up to 2 s while the kernel looks for duplicates (RFC 4862 section 5.4).
    "net.ipv6.conf.default.accept_dad=0",
)

_HOST_INTERFACE = 100
"""The interface index of each host's eth0. If it were the same as at the other end, the kernel would take the link for
an ordinary one and delay its "carrier is up", and with it IPv6, by up to 1 s (linkwatch_urgent_event; measured)."""


class Namespace:
    """One host of a network. `run` waits for its command; what `popen` starts is ended with the network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ipv4 = "127.0.0.1"
        self.ipv6 = "::1"
        self._started: list[subprocess.Popen[str]] = []

    def run(
        self, command: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout_s: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` to its end and return the `CompletedProcess`, with its output as text.

        `stdin` is its input.

        Raises:
            RuntimeError: it failed; the text contains its standard error. Not with ``check=False``.
        """
        done = subprocess.run(
            self._within(command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=_environment(),
        )
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(command)[:200]} ended with {done.returncode}: {done.stderr}")
        return done

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start `command` and leave it running; the pid is that of the command itself."""
        options = {"stdin": subprocess.DEVNULL, "text": True, "env": _environment(), **options}
        process = subprocess.Popen(self._within(command), **options)
        self._started.append(process)
        return process

    def start(self, command: Sequence[str], *, timeout_s: float = 10) -> str:
        """Start `command`, wait for the first line it prints (it is ready), and leave it running.

        Raises:
            RuntimeError: it ended, or printed nothing in time.
        """
        process = self.popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None  # requested above
        line = process.stdout.readline() if select.select([process.stdout], [], [], timeout_s)[0] else ""
        if not line:
            raise RuntimeError(f"{self.name}: {' '.join(command)[:200]} did not become ready")
        return line.rstrip("\n")

    def python(self, script: str | Path, *arguments: object, check: bool = True, timeout_s: float = 30) -> Any:
        """Run a Python script (its text or its path) that prints one JSON value, and return that value.

        The script can import `nocarrier` and `testbed`.
        """
        return json.loads(self.run(_python(script, *arguments), check=check, timeout_s=timeout_s).stdout)

    def start_python(self, script: str | Path, *arguments: object, timeout_s: float = 10) -> str:
        """Start a Python script, like `start`."""
        return self.start(_python(script, *arguments), timeout_s=timeout_s)

    def fault_server(self, name: str, *, host: str | None = None, port: int = 0) -> int:
        """Start one of `nocarrier.testing.fault_servers` on `host` (default: our IPv4 address); returns its port."""
        return int(self.start_python(FAULT_SERVERS, name, host or self.ipv4, port))

    def ip(self, *arguments: str) -> str:
        """Run ip(8), such as ``ip("route", "add", "blackhole", "203.0.113.0/24")``; returns what it prints."""
        return self.run(["ip", *arguments]).stdout

    def firewall(self, hook: str, *rules: str) -> None:
        """Apply these nft(8) rules, and no others, to IPv4 and IPv6 at `hook` (input, forward or output).

        For example ``firewall("forward", "tcp dport 7072 reject with icmpx admin-prohibited")``. No rules: all may
        pass.
        """
        chain = "\n".join([f"type filter hook {hook} priority 0", *rules])
        self.nft(f"table inet test {{\nchain test {{\n{chain}\n}}\n}}")

    def nft(self, ruleset: str) -> None:
        """Load an nft(8) ruleset in place of the previous one."""
        self.run(["nft", "-f", "-"], stdin=f"flush ruleset\n{ruleset}\n")

    def sysctl(self, key: str, value: object) -> None:
        """Set one kernel setting of this namespace."""
        self.run(["sysctl", "-qw", f"{key}={value}"])

    def resolv_conf(self, nameserver: str, *, options: str = "timeout:1 attempts:1") -> None:
        """Make programs started from now on ask only `nameserver` for names.

        `ip netns exec` mounts the files of /etc/netns/NAME over those of /etc (ip-netns(8)).
        """
        directory = ETC_DIRECTORY / self.name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "resolv.conf").write_text(f"nameserver {nameserver}\noptions {options}\n")
        (directory / "nsswitch.conf").write_text("hosts: files dns\n")

    def close(self) -> None:
        """End all processes in this namespace, by pid, and remove it."""
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        remove(self.name)

    def _within(self, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]


class Namespaces:
    """A network of hosts that have only a loopback, until a subclass links them."""

    def __init__(self) -> None:
        self.made: list[Namespace] = []
        self._prefix = f"nc{os.getpid()}-{secrets.token_hex(4)}"
        self._sigterm: Any = None

    def add(self, role: str) -> Namespace:
        """Make a host; `role` must be unique in this network."""
        host = Namespace(f"{self._prefix}-{role}")
        self.made.append(host)  # first, so that a host that is only half made is removed too
        _ip(None, [f"netns add {host.name}"])
        _ip(host.name, ["link set lo up"])
        host.run(["sysctl", "-qw", *_SETTINGS])
        return host

    def build(self) -> None:
        """Make and link the hosts."""

    def close(self) -> None:
        """Remove every host, even if removing another one fails."""
        with contextlib.ExitStack() as all_of_them:
            for host in self.made:
                all_of_them.callback(host.close)

    def __enter__(self) -> Self:
        lack = why_no_netns()
        if lack is not None:
            pytest.skip(lack)
        if threading.current_thread() is threading.main_thread():
            # SIGTERM would end this process at once; as Ctrl-C it passes through all the clean-up.
            self._sigterm = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self.build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        finally:
            if self._sigterm is not None:
                signal.signal(signal.SIGTERM, self._sigterm)
                self._sigterm = None


class Network(Namespaces):
    """client (198.18.1.2) - router - server (198.19.1.2), and the same with IPv6; both ends have a default route.

    198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849) are not used on the internet and count as public for
    nocarrier.
    """

    client: Namespace
    router: Namespace
    server: Namespace

    def build(self) -> None:
        """Make the three hosts and the two links. The router names its interfaces after the host at the other end."""
        self.router = self.add("router")
        self.client = self.add("client")
        self.server = self.add("server")
        router_setup = []
        for host, role, ipv4, ipv6 in (
            (self.client, "client", "198.18.1", "2001:db8:1:"),
            (self.server, "server", "198.19.1", "2001:db8:2:"),
        ):
            host.ipv4, host.ipv6 = f"{ipv4}.2", f"{ipv6}:2"
            _ip(
                host.name,
                [
                    f"link add eth0 index {_HOST_INTERFACE} type veth peer name {role} netns {self.router.name}",
                    f"address add {host.ipv4}/24 dev eth0",
                    f"address add {host.ipv6}/64 dev eth0 nodad",
                    "link set eth0 up",
                    f"route add default via {ipv4}.1",
                    f"route add default via {ipv6}:1",
                ],
            )
            router_setup += [
                f"address add {ipv4}.1/24 dev {role}",
                f"address add {ipv6}:1/64 dev {role} nodad",
                f"link set {role} up",
            ]
        self.router.ipv4, self.router.ipv6 = "198.18.1.1", "2001:db8:1::1"
        _ip(self.router.name, router_setup)
        self.router.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])


class FlatNetwork(Namespaces):
    """`count` hosts on one link: 198.18.0.1, 198.18.0.2 and so on, 2001:db8::1 and so on; no routes beyond it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self.hosts: list[Namespace] = []

    def build(self) -> None:
        """Make the bridge, in a namespace of its own, and the hosts."""
        bridge = self.add("bridge")
        _ip(bridge.name, ["link add br0 type bridge", "link set br0 up"])
        for number in range(1, self._count + 1):
            host = self.add(f"host{number}")
            self.hosts.append(host)
            host.ipv4, host.ipv6 = f"198.18.0.{number}", f"2001:db8::{number:x}"
            _ip(
                host.name,
                [
                    f"link add eth0 index {_HOST_INTERFACE} type veth peer name host{number} netns {bridge.name}",
                    f"address add {host.ipv4}/24 dev eth0",
                    f"address add {host.ipv6}/64 dev eth0 nodad",
                    "link set eth0 up",
                ],
            )
            _ip(bridge.name, [f"link set host{number} master br0", f"link set host{number} up"])


def sweep() -> None:
    """Remove what dead runs left behind (a SIGKILL leaves no time to clean up)."""
    for directory in (NETNS_DIRECTORY, ETC_DIRECTORY):
        for path in directory.glob("nc*"):
            maker = _NAME.match(path.name)
            if maker and not Path("/proc", maker[1]).exists():
                remove(path.name)


def remove(name: str) -> None:
    """End all processes in a namespace, by pid, and remove it, if it still exists."""
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
    for pid in map(int, pids.split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    shutil.rmtree(ETC_DIRECTORY / name, ignore_errors=True)


def _python(script: str | Path, *arguments: object) -> list[str]:
    how = [str(script)] if isinstance(script, Path) else ["-c", script]
    return [sys.executable, *how, *map(str, arguments)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": PYTHON_PATH}


def _ip(namespace: str | None, commands: Sequence[str]) -> None:
    """Run several ip(8) commands in one process: that sets up a network five times as fast as single commands."""
    within = [] if namespace is None else ["-n", namespace]
    subprocess.run(["ip", *within, "-batch", "-"], input="\n".join(commands), text=True, check=True)
