"""Marks which reasons a test really provokes; `contracts/test_every_reason_is_provoked.py` reads the marks."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Reason


def provokes(*reasons: Reason) -> pytest.MarkDecorator:
    """Mark a test, or one of its parameters, that provokes `reasons` with a real socket, kernel, firewall or peer."""
    return pytest.mark.provokes(*reasons)
