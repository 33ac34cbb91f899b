"""`/healthz` and `/readyz`: health checks for orchestrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The program runs."""

    status: Literal["alive"] = "alive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The program works: its node, if it has one, listens and dials, and no internal task is down."""

    status: Literal["ready"] = "ready"
