"""Moves one thread into a network namespace and back: setns(2), which Python has only from 3.12 on."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Move the calling thread, and only that thread, into the network namespace of this name."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            _enter(there)
        finally:
            os.close(there)
        yield
        _enter(before)
    finally:
        os.close(before)


def socket_in(namespace: str) -> socket.socket:
    """A TCP socket of that namespace; it belongs to it wherever it is used.

    Made in a thread of its own: if the way back fails, no other code is left in the wrong network.
    """
    made: list[socket.socket] = []

    def make() -> None:
        with inside(namespace):
            made.append(socket.socket())

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        raise OSError(f"no socket could be made in {namespace}")
    return made[0]


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
