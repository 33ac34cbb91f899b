"""`/api/p2p/events`: the messages of the live stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nocarrier.model.event import DialEvent
from nocarrier.web.views.findings import DiagnosisView
from nocarrier.web.views.status import StatusView


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events that a reader missed."""

    after_seq: int
    """The last event before the gap."""
    next_seq: int
    """The first event after it."""
    missed: int | None
    """How many the reader missed. None: the program has restarted since, and counts from 1 again."""


StreamView: TypeAlias = DialEvent | Gap | StatusView | DiagnosisView

MESSAGES: Mapping[str, type[StreamView]] = {
    "dial": DialEvent,
    "gap": Gap,
    "status": StatusView,
    "findings": DiagnosisView,
}
"""The type of the data of each message, by the name of the message."""
