"""The phases of one dial: the current one, how long each took, and which one an exception comes from."""

from __future__ import annotations

import asyncio
from types import TracebackType

from nocarrier.model.taxonomy import Phase


class Phases:
    """The phases of one dial so far.

    Attributes:
        current: the phase that the dial is in.
        durations_s: how long each took, by name.
        deadline_late_s: how late our event loop noticed the deadline of a phase that timed out.
    """

    __slots__ = ("_raised", "current", "deadline_late_s", "durations_s")

    def __init__(self) -> None:
        self.current = Phase.CONNECT
        self.durations_s: dict[str, float] = {}
        self.deadline_late_s = 0.0
        self._raised: tuple[BaseException, Phase] | None = None

    def add_time(self, name: str, took_s: float) -> None:
        """Add `took_s` seconds to the phase `name`."""
        self.durations_s[name] = round(self.durations_s.get(name, 0.0) + took_s, 6)

    def note_raised(self, exc: BaseException, phase: Phase) -> None:
        """Note that `exc` ended `phase`."""
        self._raised = exc, phase

    def phase_of(self, exc: BaseException) -> Phase:
        """The phase that `exc` ended; the current phase if it ended none."""
        return self._raised[1] if self._raised and self._raised[0] is exc else self.current

    def forget_exception(self) -> None:
        """Release the exception, and with it the frames that it keeps alive."""
        self._raised = None


class PhaseBlock:
    """One phase of a dial as an `async with` block; see `Dial.phase`."""

    def __init__(self, phases: Phases, name: str, timeout_s: float | None) -> None:
        self._phases = phases
        self._name = name
        try:
            self._phase = Phase(name)
        except ValueError:
            self._phase = Phase.HANDSHAKE
        self._timeout = asyncio.timeout(timeout_s)
        self._started = 0.0

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._phases.current = self._phase
        self._started = self._loop.time()
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        phases = self._phases
        raised = exc
        try:
            await self._timeout.__aexit__(kind, exc, traceback)
        except TimeoutError as timeout:
            raised = timeout
            phases.deadline_late_s = self._loop.time() - (self._timeout.when() or 0.0)
            raise
        finally:
            phases.add_time(self._name, self._loop.time() - self._started)
            if raised is None:
                phases.current = Phase.SESSION if self._phase is Phase.HANDSHAKE else self._phase
            else:
                phases.note_raised(raised, self._phase)
