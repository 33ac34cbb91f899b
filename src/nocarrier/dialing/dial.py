"""`dial()`: a context manager that records any outbound connection as exactly one dial, with its true outcome."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from nocarrier.classification import explain
from nocarrier.dialing import fault_of_dial
from nocarrier.dialing.attempt import Failed
from nocarrier.dialing.phases import PhaseBlock, Phases
from nocarrier.dialing.policy import AddressPolicy, Block
from nocarrier.dialing.race import connect_first
from nocarrier.dialing.resolve import Resolve, resolve_with_system
from nocarrier.dialing.streams import EvidenceReader, open_streams
from nocarrier.errors import AddressError, DialSkipped
from nocarrier.host.tcp_info import handshake_evidence
from nocarrier.model.address import Address, IPAddress, parse_ip
from nocarrier.model.event import Attempt, EndedAttempt
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.ports import DialRecorder
from nocarrier.model.taxonomy import Phase, Reason

MAX_RESOLVED = 4
"""How many addresses of a name are kept as evidence: enough to see whether names share them."""

DEFAULT_CONNECT_TIMEOUT_S = 10.0
"""The default of the setting ``connect_timeout_s``."""


class DialOptions(NamedTuple):
    """What the dials of one program have in common. A tuple, because `nocarrier.dial` makes one for each dial."""

    policy: AddressPolicy | None = None
    """Which addresses may be dialed; None allows all."""
    resolve: Resolve = resolve_with_system
    """How names become addresses."""
    local_ip: IPAddress | None = None
    """The address of this machine to dial from, for peers of the same family and scope; None: any."""
    stalled_s: Callable[[float], float] | None = None
    """How many seconds our event loop had been stalled in total at a time of its clock, as `LoopMonitor` knows it. If
    None, only how late the loop noticed a deadline is known."""


_NO_OPTIONS = DialOptions()


class Dial:
    """One dial to one peer, recorded once: when the `async with` block ends.

    If the block ends without an exception, the dial succeeded. If it raises, the exception is classified, recorded with
    the phase that raised it, and passed on unchanged. If it is cancelled, the dial is recorded as ``cancelled``. A dial
    that policy forbids raises `DialSkipped` before a packet is sent, and is recorded as a skip. Run the session after
    the block, or call `succeeded()` before the session; otherwise the dial counts as in flight for as long as the
    session lasts.

    Attributes:
        addr: the address as recorded.
        evidence: facts to record if the dial fails; a handshake may add its own.
        node_id: the identity that the peer has proved; set it once it is known.
        fault: why the dial failed, once it has failed.
    """

    # Class-level defaults: this saves storing them in each instance.
    node_id: str | None = None
    fault: Fault | None = None
    _address: Address | None = None
    _dial_id: int | None = None
    _loop: asyncio.AbstractEventLoop
    _started = 0.0
    _connect_error: BaseException | None = None
    _connect_fault: Fault | None = None
    _reader: EvidenceReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _connecting_since = 0.0
    _large_segments_lost: str | None = None
    _handled: BaseException | None = None
    _resolved: Sequence[str] = ()

    def __init__(
        self,
        addr: str | Address,
        source: str,
        *,
        recorder: DialRecorder,
        via: str | None = None,
        options: DialOptions = _NO_OPTIONS,
        counts_against_peer: Callable[[Fault], bool] = lambda _: True,
    ) -> None:
        """Prepare a dial.

        Args:
            addr: the address to dial, as host:port, or [host]:port for an IPv6 address.
            source: who gave us the address.
            recorder: where the outcome is recorded.
            via: which peer gave us the address.
            options: policy, resolver and whatever else the caller's dials share.
            counts_against_peer: called with every fault; a node that knows it is offline returns False.
        """
        self.addr = str(addr)
        if isinstance(addr, Address):
            self._address = addr
        self._attempts: list[EndedAttempt] = []
        self.evidence = Evidence()
        self._source = source
        self._via = via
        self._recorder = recorder
        self._options = options
        self._counts_against_peer = counts_against_peer
        self._phases = Phases()

    # ---- the block ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Begin the dial.

        Raises:
            AddressError: the address is malformed; recorded as ``invalid_ipv4_endpoint``.
            DialSkipped: policy forbids the address; recorded as a skip.
        """
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        # If the caller is inside an `except` block, that exception is the __context__ of every error raised here. It is
        # not this dial's, so remember it.
        self._handled = sys.exc_info()[1]
        if self._address is None:
            try:
                self._address = Address.parse(self.addr)
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
            with contextlib.suppress(Exception):  # an internal error must not replace the caller's exception
                self._record_failure(exc)
        self._connect_error = self._handled = None  # no cycle through the caller's frame
        self._phases.forget_exception()
        if self._writer is not None and exc is not None:
            self._writer.transport.abort()

    @property
    def attempts(self) -> list[Attempt]:
        """The connection attempts so far, one for each address of a name."""
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
            phases_s=self._phases.durations_s,
            node_id=self.node_id,
        )

    def _record_skip(self, block: Block) -> None:
        self._recorder.record(self.addr, block.reason, self._source, via=self._via, detail=block.detail)

    def _record_failure(self, exc: BaseException | None) -> None:
        assert self._dial_id is not None
        dial_id, self._dial_id = self._dial_id, None
        penalise = False
        try:
            self.fault = fault_of_dial.with_resolved(self._fault_of(exc), self._resolved)
            penalise = self._counts_against_peer(self.fault)
        except Exception as error:  # noqa: BLE001 - `evidence` and the callback are the caller's; the dial still has to end
            self.fault = self.fault or fault_of_dial.not_classified(error, self._phases.current)
        self._recorder.fail(
            dial_id,
            self.fault,
            duration_s=self._elapsed_s(),
            attempts=tuple(self._attempts),
            phases_s=self._phases.durations_s,
            node_id=self.node_id,
            penalise=penalise,
        )

    def _fault_of(self, exc: BaseException | None) -> Fault:
        if exc is None:
            return fault_of_dial.never_connected(self._phases.current)
        if self._connect_fault is not None and exc is self._connect_error:
            return self._connect_fault
        known = {id(self._handled): None, id(self._connect_error): self._connect_fault}
        found = explain(exc, self._phases.phase_of(exc), known=known)
        if isinstance(found, Fault):
            return found
        seen = Evidence(elapsed_s=round(self._elapsed_s(), 6))
        if self._reader is not None:
            seen.update(
                fault_of_dial.connection_evidence(
                    found.reason,
                    self._reader,
                    self._writer.get_extra_info("socket") if self._writer is not None else None,
                    large_segments_lost=self._large_segments_lost,
                    lag_until=lambda ago_s: self._lag_evidence(self._phases.deadline_late_s, ago_s),
                )
            )
        return fault_of_dial.complete(found, stated=self.evidence, seen=seen)

    def _lag_evidence(self, late_s: float, ago_s: float = 0.0) -> Evidence:
        until_s = self._loop.time() - ago_s
        return fault_of_dial.lag_evidence(late_s, self._connecting_since, until_s, self._options.stalled_s)

    def _elapsed_s(self) -> float:
        return self._loop.time() - self._started

    # ---- connecting -----------------------------------------------------------------------------------------------

    async def connect(
        self, timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the peer within `timeout_s` seconds, name look-up included. Call it again for a fresh connection.

        All addresses of a name are tried, staggered; policy applies to each.

        Raises:
            OSError: the error of the most telling address, with its errno; TimeoutError if nobody answered.
            DialSkipped: policy forbids every address that the name resolves to.
        """
        assert self._address is not None, "call connect() inside `async with`"
        if self._writer is not None and self._reader is not None:
            # The next connection takes the same path, but may be too short to show the problem again.
            told = handshake_evidence(self._writer.get_extra_info("socket"), self._reader.bytes_received)
            self._large_segments_lost = told.get("large_segments_lost", self._large_segments_lost)
            self._writer.transport.abort()
            self._writer = None
        self._connecting_since, self._phases.deadline_late_s = self._loop.time(), 0.0
        deadline = self._connecting_since + timeout_s
        addresses = [self._address] if self._address.is_ip else await self._resolve(self._address, timeout_s)
        self._phases.current = Phase.CONNECT
        started = self._loop.time()
        timeout_left_s = max(0.0, deadline - started)
        try:
            outcome = await connect_first(
                addresses, timeout_left_s, self._attempts, dial_started=self._started, local_ip=self._options.local_ip
            )
        finally:
            self._phases.add_time(Phase.CONNECT, self._loop.time() - started)
        if isinstance(outcome, Failed):
            self._connect_error, fault = outcome
            if fault.reason is Reason.TIMEOUT:
                fault = fault_of_dial.with_lag(fault, self._lag_evidence(fault.evidence.get("loop_lag_s", 0.0)))
            self._connect_fault = fault
            del outcome  # otherwise the error keeps itself alive, through its traceback and this frame
            raise self._connect_error
        self._reader, self._writer = await open_streams(outcome)
        self._phases.current = Phase.HANDSHAKE
        return self._reader, self._writer

    async def _resolve(self, address: Address, timeout_s: float) -> list[Address]:
        host, port = address.host, address.port
        self._phases.current = Phase.RESOLVE
        started = self._loop.time()
        try:
            async with asyncio.timeout(timeout_s):
                found = [Address(ip, port) for ip in await self._options.resolve(host)]
        finally:
            self._phases.add_time(Phase.RESOLVE, self._loop.time() - started)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")
        self._resolved = [candidate.host for candidate in found[:MAX_RESOLVED]]
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
                f"{host} has only IPv6 addresses, and this node may not use them",
            )
        else:
            telling = next(block for block in blocks if block.reason is not Reason.IPV6_BLOCKED)
            reason, detail = telling.reason, f"{host} resolves to an address that policy forbids: {telling.detail}"
        raise DialSkipped(reason, detail)

    def _blocked(self, host: str) -> Block | None:
        policy = self._options.policy
        if policy is None or self._address is None:
            return None
        ip = parse_ip(host)
        return policy.check(ip, self._address.port) if ip is not None else None

    def _blocked_attempt(self, address: Address, block: Block) -> EndedAttempt:
        fault = Fault(reason=block.reason, phase=Phase.RESOLVE, blame=block.reason.blame, detail=block.detail)
        return EndedAttempt(str(address), round(self._elapsed_s(), 6), 0.0, fault)

    # ---- phases ---------------------------------------------------------------------------------------------------

    def phase(self, name: str, timeout_s: float | None = None) -> PhaseBlock:
        """Time a part of the dial under a name, with an optional deadline.

        Args:
            name: secure, handshake or session; any other name is timed under that name and counts as handshake.
            timeout_s: after this many seconds TimeoutError is raised; in a handshake it is recorded as
                ``handshake_timeout``.
        """
        return PhaseBlock(self._phases, name, timeout_s)
