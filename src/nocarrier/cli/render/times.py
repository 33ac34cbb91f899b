"""Times on the command line: how they are typed and how they are shown."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Moment(click.ParamType[float]):
    """How long ago, such as 90s, 5m, 2h or 7d, or a date and time (ISO 8601, local); becomes Unix seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`value` in Unix seconds."""
        match = re.fullmatch(r"(\d{1,9})([smhd])", str(value))
        if match is not None:
            return max(0.0, time.time() - int(match[1]) * _UNITS_S[match[2]])
        try:
            return max(0.0, datetime.fromisoformat(str(value)).timestamp())
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is not a time; write it like 90s, 5m, 2h, 7d or 2026-11-03T10:12", param, ctx)


def day_and_time(at_unix: object) -> str:
    """Local time to the minute, such as 3 Nov 10:12; with the year unless it is the current one."""
    if not isinstance(at_unix, int | float):
        return "?"
    try:
        then = time.localtime(at_unix)
    except (OverflowError, ValueError, OSError):
        return "?"
    year = "" if then.tm_year == time.localtime().tm_year else f" {then.tm_year}"
    return f"{then.tm_mday} {time.strftime('%b', then)}{year} {time.strftime('%H:%M', then)}"


def utc(at_unix: object) -> str:
    """UTC to the second, such as 2026-11-03 10:12:05, for texts that are read elsewhere."""
    if not isinstance(at_unix, int | float):
        return "?"
    try:
        return datetime.fromtimestamp(at_unix, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "?"
