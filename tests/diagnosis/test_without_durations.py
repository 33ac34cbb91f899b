"""Records without durations lead to the same causes, with no more confidence than with durations."""

from __future__ import annotations

import pytest

from nocarrier.model.taxonomy import Phase
from tests.diagnosis.table import Table, all_tables, described, finding_of, near_misses, raised, row
from tests.diagnosis.world import MINUTE, World, names, peer, peers

EVERY_TABLE = all_tables().values()

TOLD_BY_DURATION_ALONE = {"retry_too_fast: it listened to us first"}
"""Near misses that only the duration distinguishes from the real case."""


@raised(*EVERY_TABLE)
def test_it_is_still_found(code, expected):
    known, unknown = expected.world.diagnosis(), expected.world.untimed().diagnosis()
    found = finding_of(unknown, code)
    assert found is not None, f"not found; but: {described(unknown)}"
    assert [each.code for each in unknown.findings] == [each.code for each in known.findings]
    for each in unknown.findings:
        assert each.confidence <= finding_of(known, each.code).confidence, each.code


@near_misses(*EVERY_TABLE)
def test_it_is_still_not_found(code, expected, request):
    if request.node.callspec.id in TOLD_BY_DURATION_ALONE:
        pytest.skip("without the duration it is the same world")
    known, unknown = expected.world.diagnosis(), expected.world.untimed().diagnosis()
    assert [each.code for each in unknown.findings] == [each.code for each in known.findings], described(unknown)


GUESSED = Table(
    "",
    raised={
        "offline": row(World().fails(peers(2), "timeout")),
        "middlebox": row(World().fails(peers(2), "connection_reset", phase=Phase.HANDSHAKE)),
        "outbound_blocked": row(
            World()
            .with_node()
            .session(peer(1))
            .works(peers(3, first=10), ago_s=10 * MINUTE)
            .fails(peers(3, first=10), "timeout")
        ),
        "dns_broken": row(
            World().fails("seed9.example:7072", "timeout", ago_s=5).fails(names(2), "dns_timeout", ago_s=12)
        ),
        "retry_too_fast": row(
            World().works(peer(1), ago_s=10 * MINUTE).fails(peer(1), "remote_closed", took_s=0.05, times=4, every_s=10)
        ),
    },
    near_misses={},
)


@pytest.mark.parametrize(("code", "expected"), GUESSED.raised.items())
def test_a_verdict_based_on_durations_is_less_certain_without_them(code, expected):
    known, unknown = (finding_of(world.diagnosis(), code) for world in (expected.world, expected.world.untimed()))
    assert unknown.confidence < known.confidence


def test_a_reset_without_a_phase_is_less_certainly_one_after_our_hello():
    told = World().fails(peers(2), "connection_reset", phase=Phase.HANDSHAKE)
    untold = World().reports(peers(2), "connection_reset", duration_s=0.1)
    sure, unsure = (finding_of(world.diagnosis(), "middlebox").confidence for world in (told, untold))
    assert unsure < sure
