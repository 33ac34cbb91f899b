"""The one form of errors: RFC 9457 problem documents whose detail says what to change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document."""

    type: str
    """Always about:blank, because the status already says what kind of problem it is (RFC 9457 section 4.2.1)."""
    title: str
    status: int
    detail: str
    """What is wrong, and what to change."""
