"""`dial()`: the context manager that turns anyone's outbound connection into exactly one truthful record."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self, cast

from nocarrier.classification import blame_for, classify, describe
from nocarrier.dialing.attempt import Failed
from nocarrier.dialing.policy import AddressPolicy, Block
from nocarrier.dialing.race import connect_first
from nocarrier.dialing.resolve import Resolve, resolve_with_system
from nocarrier.dialing.streams import EvidenceReader, open_streams
from nocarrier.errors import AddressError, DialSkipped
from nocarrier.host.loop_monitor import NOTED_LAG_S
from nocarrier.host.tcp_info import handshake_evidence, last_heard_s
from nocarrier.model import bounds
from nocarrier.model.address import Address, IPAddress, parse_ip
from nocarrier.model.event import Attempt, EndedAttempt
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.ports import DialRecorder
from nocarrier.model.taxonomy import Blame, Phase, Reason

DEFAULT_CONNECT_TIMEOUT_S = 10.0
"""The contract's connect_timeout_s."""

_WAITED_IN_VAIN = frozenset({Reason.HANDSHAKE_TIMEOUT, Reason.REMOTE_CLOSED, Reason.CONNECTION_RESET})
"""Somebody may have lost patience, we with the peer or the peer with us: it matters whether our own loop stood still,
and what became of our bytes."""


class Dial:
    """One dial to one peer, recorded once: when the `async with` block ends.

    The block ends well: the dial succeeded. It raises: the exception is classified, recorded with the phase it was
    raised in, and goes on unchanged. It is cancelled: recorded as ``cancelled``. A dial that policy forbids raises
    `DialSkipped` before a packet is sent and is recorded as a skip. Run the session after the block, or call
    `succeeded()` before it, so that the dial does not count as in flight for as long as the session lasts.

    Attributes:
        addr: the address as recorded.
        evidence: facts to be recorded should the dial fail; a handshake may add its own.
        node_id: who the peer proved to be; set it once known.
        fault: why the dial failed, once it has.
    """

    # What every dial begins with stands here, once, and not in each of them.
    node_id: str | None = None
    fault: Fault | None = None
    _address: Address | None = None
    _dial_id: int | None = None
    _loop: asyncio.AbstractEventLoop
    _started = 0.0
    _phase = Phase.CONNECT
    _connect_error: BaseException | None = None
    _connect_fault: Fault | None = None
    _reader: EvidenceReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _connecting_since = 0.0
    _late_s = 0.0
    """How late our event loop noticed the deadline of this connection's handshake."""
    _failed_phase: tuple[BaseException, Phase] | None = None
    _large_segments_lost: str | None = None
    _handled: BaseException | None = None

    def __init__(
        self,
        addr: str,
        source: str,
        *,
        recorder: DialRecorder,
        via: str | None = None,
        policy: AddressPolicy | None = None,
        resolve: Resolve = resolve_with_system,
        default_port: int | None = None,
        local_ip: IPAddress | None = None,
        counts_against_peer: Callable[[Fault], bool] = lambda _: True,
        stalled_s: Callable[[float], float] | None = None,
    ) -> None:
        """Prepare a dial.

        Args:
            addr: host:port, an IPv6 address as [host]:port.
            source: who gave us the address.
            recorder: where the outcome is recorded.
            via: which peer told us.
            policy: which addresses may be dialed; None allows all.
            resolve: how names become addresses.
            default_port: for an address without a port.
            local_ip: address of this machine to dial from, for peers in its family and scope; None: any.
            counts_against_peer: asked about every fault; a node that knows itself to be offline answers no.
            stalled_s: for how many seconds our event loop has stood still since a time of its clock, as `LoopMonitor`
                knows; None: only how late a deadline was noticed is known.
        """
        self.addr = addr
        self._attempts: list[EndedAttempt] = []
        self.evidence = Evidence()
        self._source = source
        self._via = via
        self._recorder = recorder
        self._policy = policy
        self._look_up = resolve
        self._default_port = default_port
        self._local_ip = local_ip
        self._counts_against_peer = counts_against_peer
        self._stalled_s = stalled_s
        self._phases_s: dict[str, float] = {}

    # ---- the block ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Begin the dial.

        Raises:
            AddressError: the address cannot be dialed as it is written; recorded as ``invalid_ipv4_endpoint``.
            DialSkipped: policy forbids the address; recorded as a skip.
        """
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        # Who dials the next peer in the `except` block of the last one has that error behind every one of this dial.
        self._handled = sys.exc_info()[1]
        try:
            self._address = Address.parse(self.addr, default_port=self._default_port)
        except AddressError as exc:
            self._record_skip(Block(Reason.INVALID_IPV4_ENDPOINT, str(exc)))
            raise
        self.addr = str(self._address)
        block = self._blocked(self._address.host)
        if block is not None:
            self._record_skip(block)
            raise DialSkipped(block.reason, block.detail)
        self._dial_id = self._recorder.begin(self.addr, self._source, via=self._via)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Record the outcome; never changes the exception."""
        if exc is None and self._writer is not None:
            self.succeeded()
            return
        if self._dial_id is not None:
            with contextlib.suppress(Exception):  # a fault of ours must not take the place of what the caller sees
                self._record_failure(exc)
        self._connect_error = self._failed_phase = self._handled = None  # no cycle through the caller's frame
        if self._writer is not None and exc is not None:
            self._writer.transport.abort()

    @property
    def attempts(self) -> list[Attempt]:
        """Connection attempts so far, each address of a name apart."""
        return list(map(Attempt.of, self._attempts))

    def succeeded(self) -> None:
        """Record now that the dial reached its session; what happens later in the block is no longer part of it."""
        if self._dial_id is None:
            return
        dial_id, self._dial_id = self._dial_id, None
        self._recorder.succeed(
            dial_id,
            duration_s=self._elapsed_s(),
            attempts=tuple(self._attempts),
            phases_s=self._phases_s,
            node_id=self.node_id,
        )

    def _record_skip(self, block: Block) -> None:
        self._recorder.record(self.addr, block.reason, self._source, via=self._via, detail=block.detail)

    def _record_failure(self, exc: BaseException | None) -> None:
        assert self._dial_id is not None
        dial_id, self._dial_id = self._dial_id, None
        penalise = False
        try:
            self.fault = self._fault_of(exc)
            penalise = self._counts_against_peer(self.fault)
        except Exception as error:  # noqa: BLE001 - `evidence` and the callback are the caller's; the dial still has to end
            detail = f"could not be judged, {describe(error)}"
            self.fault = self.fault or Fault(reason=Reason.OTHER, phase=self._phase, blame=Blame.NONE, detail=detail)
        self._recorder.fail(
            dial_id,
            self.fault,
            duration_s=self._elapsed_s(),
            attempts=tuple(self._attempts),
            phases_s=self._phases_s,
            node_id=self.node_id,
            penalise=penalise,
        )

    def _fault_of(self, exc: BaseException | None) -> Fault:
        if exc is None:
            return Fault(
                reason=Reason.CANCELLED,
                phase=self._phase,
                blame=Blame.NONE,
                detail="the block ended without connect() having been called",
            )
        if self._connect_fault is not None:
            self._connect_fault = self._with_our_lag(self._connect_fault)
            if exc is self._connect_error:
                return self._connect_fault
        failed_in = self._failed_phase[1] if self._failed_phase and self._failed_phase[0] is exc else self._phase
        known = {id(self._handled): None, id(self._connect_error): self._connect_fault}
        fault = classify(exc, failed_in, known=known)
        if fault is self._connect_fault:
            return fault
        stated = bounds.evidence(cast("Evidence", {**self.evidence, **fault.evidence}))
        evidence = cast("Evidence", {**self._connection_evidence(fault.reason), **(stated or {})})
        return Fault(
            reason=fault.reason,
            phase=fault.phase,
            blame=blame_for(fault.reason, evidence),
            detail=fault.detail,
            evidence=evidence,
        )

    def _with_our_lag(self, fault: Fault) -> Fault:
        if fault.reason is not Reason.TIMEOUT:
            return fault
        lag = self._lag_evidence(fault.evidence.get("loop_lag_s", 0.0), until_s=self._loop.time())
        evidence = cast("Evidence", {**fault.evidence, **lag})
        return replace(fault, evidence=evidence, blame=blame_for(fault.reason, evidence))

    def _connection_evidence(self, reason: Reason) -> Evidence:
        evidence = Evidence(elapsed_s=round(self._elapsed_s(), 6))
        if self._reader is None:
            return evidence
        evidence.update(self._reader.evidence())
        if reason in _WAITED_IN_VAIN and self._writer is not None:
            sock = self._writer.get_extra_info("socket")
            if self._large_segments_lost is not None:
                evidence["large_segments_lost"] = self._large_segments_lost
            evidence.update(handshake_evidence(sock, self._reader.bytes_received))
            heard_s = last_heard_s(sock) if reason is Reason.REMOTE_CLOSED else None
            # Our being late after the peer had hung up did not make it hang up.
            evidence.update(self._lag_evidence(self._late_s, until_s=self._loop.time() - (heard_s or 0.0)))
        return evidence

    def _lag_evidence(self, late_s: float, until_s: float) -> Evidence:
        if self._stalled_s is not None:
            late_s = max(late_s, self._stalled_s(self._connecting_since) - self._stalled_s(until_s))
        return Evidence(loop_lag_s=round(late_s, 3)) if late_s > NOTED_LAG_S else Evidence()

    def _elapsed_s(self) -> float:
        return self._loop.time() - self._started

    # ---- connecting -----------------------------------------------------------------------------------------------

    async def connect(
        self, timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the peer within `timeout_s` seconds, name look-up included; again for a fresh connection.

        All addresses of a name are tried, staggered; policy applies to each of them.

        Raises:
            OSError: the error of the most telling address, errno kept; TimeoutError where nobody answered.
            DialSkipped: policy forbids every address that the name resolved to.
        """
        assert self._address is not None, "connect() belongs inside `async with`"
        if self._writer is not None and self._reader is not None:
            # The path is the same for the next connection, which may be too short to show it again.
            told = handshake_evidence(self._writer.get_extra_info("socket"), self._reader.bytes_received)
            self._large_segments_lost = told.get("large_segments_lost", self._large_segments_lost)
            self._writer.transport.abort()
            self._writer = None
        self._connecting_since, self._late_s = self._loop.time(), 0.0
        deadline = self._connecting_since + timeout_s
        is_address = parse_ip(self._address.host) is not None
        addresses = [self._address] if is_address else await self._resolve(self._address, timeout_s)
        self._phase = Phase.CONNECT
        started = self._loop.time()
        timeout_left_s = max(0.0, deadline - started)
        try:
            outcome = await connect_first(
                addresses, timeout_left_s, self._attempts, dial_started=self._started, local_ip=self._local_ip
            )
        finally:
            self._time(Phase.CONNECT, started)
        if isinstance(outcome, Failed):
            self._connect_error, self._connect_fault = outcome
            del outcome  # else the error would hold itself alive, through its traceback and this frame
            raise self._connect_error
        self._reader, self._writer = await open_streams(outcome)
        self._phase = Phase.HANDSHAKE
        return self._reader, self._writer

    async def _resolve(self, address: Address, timeout_s: float) -> list[Address]:
        host, port = address.host, address.port
        self._phase = Phase.RESOLVE
        started = self._loop.time()
        try:
            async with asyncio.timeout(timeout_s):
                found = [Address(ip, port) for ip in await self._look_up(host)]
        finally:
            self._time(Phase.RESOLVE, started)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")
        allowed, blocks = [], []
        for candidate in found:
            block = self._blocked(candidate.host)
            if block is None:
                allowed.append(candidate)
            else:
                blocks.append(block)
                self._attempts.append(self._blocked_attempt(candidate, block))
        if not allowed:
            self._raise_nothing_allowed(host, blocks)
        return allowed

    def _raise_nothing_allowed(self, host: str, blocks: list[Block]) -> None:
        if all(block.reason is Reason.IPV6_BLOCKED for block in blocks):
            reason, detail = (
                Reason.DNS_NO_USABLE_FAMILY,
                f"{host} has IPv6 addresses only, and this node may not use them",
            )
        else:
            telling = next(block for block in blocks if block.reason is not Reason.IPV6_BLOCKED)
            reason, detail = telling.reason, f"{host} resolved to an address that policy forbids: {telling.detail}"
        raise DialSkipped(reason, detail)

    def _blocked(self, host: str) -> Block | None:
        if self._policy is None or self._address is None:
            return None
        ip = parse_ip(host)
        if ip is None:
            return None
        return self._policy.check(ip, self._address.port)

    def _blocked_attempt(self, address: Address, block: Block) -> EndedAttempt:
        fault = Fault(reason=block.reason, phase=Phase.RESOLVE, blame=block.reason.blame, detail=block.detail)
        return EndedAttempt(str(address), round(self._elapsed_s(), 6), 0.0, fault)

    # ---- phases ---------------------------------------------------------------------------------------------------

    def phase(self, name: str, timeout_s: float | None = None) -> _PhaseBlock:
        """A part of the dial that is timed under its name, with an optional deadline.

        Args:
            name: secure, handshake or session; another name is timed under that name and counts as handshake.
            timeout_s: seconds after which TimeoutError is raised and, in a handshake, ``handshake_timeout`` recorded.
        """
        return _PhaseBlock(self, name, timeout_s)

    def _time(self, name: str, started: float) -> None:
        took_s = self._loop.time() - started
        self._phases_s[name] = round(self._phases_s.get(name, 0.0) + took_s, 6)


class _PhaseBlock:
    """See `Dial.phase`."""

    def __init__(self, dial: Dial, name: str, timeout_s: float | None) -> None:
        self._dial = dial
        self._name = name
        try:
            self._phase = Phase(name)
        except ValueError:
            self._phase = Phase.HANDSHAKE
        self._timeout = asyncio.timeout(timeout_s)
        self._started = 0.0

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._dial._phase = self._phase  # noqa: SLF001 - one thing in two classes
        self._started = self._loop.time()
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        dial = self._dial
        raised = exc
        try:
            await self._timeout.__aexit__(kind, exc, traceback)
        except TimeoutError as timeout:
            raised = timeout
            dial._late_s = self._loop.time() - (self._timeout.when() or 0.0)  # noqa: SLF001
            raise
        finally:
            dial._time(self._name, self._started)  # noqa: SLF001
            if raised is None:
                dial._phase = Phase.SESSION if self._phase is Phase.HANDSHAKE else self._phase  # noqa: SLF001
            else:
                dial._failed_phase = (raised, self._phase)  # noqa: SLF001
