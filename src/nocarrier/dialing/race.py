"""Several addresses of one peer: staggered attempts; the first to connect wins, and the other failures are kept.

RFC 8305 (Happy Eyeballs): the next address is tried when the previous one failed or has not answered for 250 ms.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Sequence

from nocarrier.dialing.attempt import Failed, connect_socket
from nocarrier.model.address import Address, IPAddress
from nocarrier.model.event import EndedAttempt
from nocarrier.model.fault import Fault
from nocarrier.model.taxonomy import Blame, Phase, Reason

STAGGER_S = 0.25
"""RFC 8305 section 8, Connection Attempt Delay."""

MAX_ADDRESSES = 16
"""How many addresses of one name are tried; a name with more is misconfigured or hostile."""


def connect_first(
    addresses: Sequence[Address],
    timeout_s: float,
    attempts: list[EndedAttempt],
    *,
    dial_started: float,
    local_ip: IPAddress | None = None,
) -> Awaitable[socket.socket | Failed]:
    """Connect to one of `addresses` within `timeout_s` seconds; if none connects, return the most telling failure.

    The outcome of each attempt is added to `attempts`, even if this is cancelled.
    """
    if len(addresses) == 1:  # the usual case needs neither tasks nor a stagger
        return _try_address(addresses[0], timeout_s, attempts, dial_started, local_ip)
    return _race(addresses, timeout_s, attempts, dial_started, local_ip)


async def _race(
    addresses: Sequence[Address],
    timeout_s: float,
    attempts: list[EndedAttempt],
    dial_started: float,
    local_ip: IPAddress | None,
) -> socket.socket | Failed:
    race = Race(addresses, timeout_s, dial_started, local_ip)
    try:
        winner = await race.run()
    finally:
        attempts += race.attempts
    return winner or most_telling(race.failures)


_CANCELLED = Fault(reason=Reason.CANCELLED, phase=Phase.CONNECT, blame=Blame.NONE)


async def _try_address(
    address: Address,
    timeout_s: float,
    attempts: list[EndedAttempt],
    dial_started: float,
    local_ip: IPAddress | None,
) -> socket.socket | Failed:
    loop = asyncio.get_running_loop()
    started = loop.time()
    fault: Fault | None = _CANCELLED  # unless connect_socket() returns
    try:
        outcome = await connect_socket(address, timeout_s, local_ip)
        fault = outcome.fault if isinstance(outcome, Failed) else None
    finally:
        started_s, duration_s = round(started - dial_started, 6), round(loop.time() - started, 6)
        attempts.append(EndedAttempt(str(address), started_s, duration_s, fault))
    return outcome


class Race:
    """Attempts to the addresses of one peer.

    Attributes:
        attempts: the outcome for each address, in the order in which the attempts ended.
        failures: the errors and faults of the failed ones.
    """

    def __init__(
        self, addresses: Sequence[Address], timeout_s: float, dial_started: float, local_ip: IPAddress | None = None
    ) -> None:
        self._addresses = list(addresses[:MAX_ADDRESSES])
        self._local_ip = local_ip
        self._loop = asyncio.get_running_loop()
        self._dial_started = dial_started
        self._deadline = self._loop.time() + timeout_s
        self._connected: list[socket.socket] = []
        self.attempts: list[EndedAttempt] = []
        self.failures: list[Failed] = []

    async def run(self) -> socket.socket | None:
        """The socket that connected first, or None if every address failed."""
        winner = None
        try:
            await self._run_until_one_connects()
            winner = self._connected[0] if self._connected else None
        finally:  # several may have connected in one turn of the loop, or one while this was cancelled
            for sock in self._connected:
                if sock is not winner:
                    sock.close()
        return winner

    async def _run_until_one_connects(self) -> None:
        waiting = self._addresses[::-1]
        running: set[asyncio.Task[None]] = set()
        try:
            while (waiting or running) and not self._connected:
                if waiting:
                    running.add(asyncio.create_task(self._attempt(waiting.pop())))
                done, running = await asyncio.wait(
                    running, timeout=STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _attempt(self, address: Address) -> None:
        timeout_s = max(0.0, self._deadline - self._loop.time())
        outcome = await _try_address(address, timeout_s, self.attempts, self._dial_started, self._local_ip)
        if isinstance(outcome, Failed):
            self.failures.append(outcome)
        else:
            self._connected.append(outcome)


_TELLING = (Blame.THEM, Blame.PATH, Blame.UNKNOWN, Blame.NONE, Blame.US)


def most_telling(failures: Sequence[Failed]) -> Failed:
    """The failure to report when several addresses failed.

    An answer says more than silence, and silence says more than our own lack of a route (to an IPv6 address, on a
    machine without IPv6).
    """
    return min(failures, key=lambda failed: _TELLING.index(failed.fault.blame))
