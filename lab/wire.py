"""A wire with faults: carries IP packets between two namespaces with delay, loss and a size limit.

The kernel's own emulator (netem) is missing on many machines, so this is a process with a TUN device in each namespace.
It is slow for a network (some 30,000 packets a second), and exact to a millisecond.

It runs until its standard input ends; each line changes the settings, for example ``{"delay_s": 0.3, "loss": 0.5}``.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lab.setns import inside

# linux/if_tun.h: IP packets without an Ethernet header, and without four bytes of packet information.
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000

_LARGEST_PACKET_BYTES = 65_535

_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSettings:
    """What a wire does to each packet."""

    delay_s: float = 0.0
    """One way."""
    loss: float = 0.0
    """The share of packets that are dropped, at random."""
    mtu_bytes: int = _LARGEST_PACKET_BYTES
    """Larger packets are dropped silently: a black hole, not a router that says "fragmentation needed"."""


class Wire:
    """A running wire between the devices `ends`, each given as a namespace and the device in it."""

    def __init__(self, ends: tuple[tuple[str, str], tuple[str, str]], settings: WireSettings, *, seed: int) -> None:
        self._settings = settings
        command = [sys.executable, "-m", "lab.wire", json.dumps({"ends": ends, "seed": seed, **asdict(settings)})]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_REPOSITORY
        )
        self._expect("ready")

    def set(self, **changes: Any) -> None:
        """Change some of the `WireSettings`; packets already on their way keep their delay."""
        self._settings = replace(self._settings, **changes)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(self._settings)) + "\n")
        self._process.stdin.flush()
        self._expect("set")

    def close(self) -> None:
        """Cut the wire."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _expect(self, word: str) -> None:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != word:
            self.close()
            raise RuntimeError(f"the wire said {said!r}, not {word!r}")


# ---- inside the process ---------------------------------------------------------------------------------------------


def _open_device(namespace: str, name: str) -> int:
    with inside(namespace):
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
        return descriptor


def _carry(near: int, far: int, settings: WireSettings, rng: random.Random) -> None:
    """Carry packets between two devices until standard input ends."""
    other = {near: far, far: near}
    under_way: list[tuple[float, int, int, bytes]] = []
    number = 0  # keeps packets with the same due time in order
    while True:
        pause_s = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        for ready in select.select([near, far, sys.stdin.fileno()], [], [], pause_s)[0]:
            if ready == sys.stdin.fileno():
                line = sys.stdin.readline()
                if not line:
                    return
                settings = WireSettings(**json.loads(line))
                print("set", flush=True)
                continue
            packet = os.read(ready, _LARGEST_PACKET_BYTES)
            if len(packet) <= settings.mtu_bytes and rng.random() >= settings.loss:
                number += 1
                heapq.heappush(under_way, (time.monotonic() + settings.delay_s, number, other[ready], packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, device, packet = heapq.heappop(under_way)
            _deliver(device, packet)


def _deliver(device: int, packet: bytes) -> None:
    # EIO: the interface at that end is down, for example because a cable is out.
    with contextlib.suppress(OSError):
        os.write(device, packet)


def _main() -> None:
    said = json.loads(sys.argv[1])
    (near, far), seed = said.pop("ends"), said.pop("seed")
    devices = _open_device(*near), _open_device(*far)
    print("ready", flush=True)
    _carry(*devices, WireSettings(**said), random.Random(seed))


if __name__ == "__main__":
    _main()
