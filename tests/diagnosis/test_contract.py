"""Every cause is declared completely, and has its rows: worlds that must raise it, and near misses that must not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nocarrier.diagnosis import CAUSES, causes
from nocarrier.model.finding import Severity
from tests.diagnosis.table import all_tables

HERE = Path(__file__).parent
LEAST_RAISED = 2
LEAST_NEAR_MISSES = 3

CODES = [cause.code for cause in CAUSES]
OF_THE_DESIGN = {
    "offline", "outbound_blocked", "dns_broken", "local_exhaustion", "local_overload", "clock_wrong", "dialer_stuck",
    "retry_too_fast", "seeds_down", "seeds_misconfigured", "version_outdated", "peers_outdated", "wrong_network",
    "ticket_rejected", "banned_by_peers", "wrong_port_published", "private_addresses_gossiped", "stale_source",
    "peer_down", "peer_firewalled", "peer_overloaded", "peer_moved", "network_full", "path_mtu", "middlebox",
    "partition", "ipv6_broken", "duplicates_only",
}  # fmt: skip
"""Codes that others rely on; there may be more."""


def test_every_file_of_a_cause_is_registered():
    files = {path.stem for path in Path(causes.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(CODES), "import it in diagnosis/causes/__init__.py, and add it to CAUSES"


@pytest.mark.parametrize("code", CODES)
def test_every_cause_has_rows_that_raise_it_and_near_misses(code):
    table = all_tables().get(code)
    assert table is not None, f"no file of tests/diagnosis has a Table('{code}', ...) in its TABLES"
    assert len(table.raised) >= LEAST_RAISED
    assert len(table.near_misses) >= LEAST_NEAR_MISSES


def test_every_table_belongs_to_a_cause():
    assert set(all_tables()) == set(CODES)


def test_the_promised_causes_exist():
    assert OF_THE_DESIGN - set(CODES) == set()
    assert len(set(CODES)) == len(CODES)


def test_each_cause_is_checked_after_those_it_depends_on():
    for index, cause in enumerate(CAUSES):
        assert set(cause.depends_on) <= set(CODES[:index]), cause.code


@pytest.mark.parametrize("cause", CAUSES, ids=CODES)
class TestDeclaration:
    def test_it_says_what_it_is(self, cause):
        assert re.fullmatch(r"[a-z0-9_]+", cause.code)
        assert not cause.title.endswith(".")
        assert cause.evidence_rule.endswith(".")
        assert cause.severity in Severity
