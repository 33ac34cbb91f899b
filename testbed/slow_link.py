"""A link with a delay, like real ones: a TUN device at either end, and this program between them.

``python slow_link.py NAMESPACE DELAY_S`` makes the device `right` where it runs and `left` in NAMESPACE (ip-netns(8)),
prints ``ready``, and forwards every packet after the delay until it is ended. Needs root.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000  # linux/sched.h
TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 0x1, 0x1000
MAX_PACKET_BYTES = 65536


def make_device(name: str) -> int:
    """Make a network device in the current namespace; returns the descriptor from which its packets are read."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns() came with Python 3.12
    with Path("/run/netns", namespace).open() as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def main(namespace: str, delay_s: float) -> None:
    right = make_device("right")
    enter(namespace)
    left = make_device("left")
    print("ready", flush=True)
    waiting: collections.deque[tuple[float, int, bytes]] = collections.deque()
    while True:
        wait_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for device in select.select([left, right], [], [], wait_s)[0]:
            packet = os.read(device, MAX_PACKET_BYTES)
            waiting.append((time.monotonic() + delay_s, right if device == left else left, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, device, packet = waiting.popleft()
            with contextlib.suppress(OSError):  # that end is not up (yet)
                os.write(device, packet)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
