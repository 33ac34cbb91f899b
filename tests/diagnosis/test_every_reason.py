"""Every failure is explained: no reason of the taxonomy is ignored."""

from __future__ import annotations

import pytest

from nocarrier import Kind, Reason
from tests.diagnosis.table import check_sound, described
from tests.diagnosis.world import World, peer, peers

FAILURES = [reason for reason in Reason if reason.kind is Kind.FAILURE]
HARMLESS = {Reason.DUPLICATE_CONNECTION}
"""The other one of the two connections stays."""

NODE = World().with_node()
WORKING = {"a node": NODE.session(peers(5, first=20)), "a program without a node": World().works(peers(5, first=20))}


def named(diagnosis) -> set[str]:
    """Addresses in the evidence of any finding."""
    return {addr for found in diagnosis.findings for item in found.evidence for addr in item.addrs}


def check_explained(world, addrs) -> None:
    diagnosis = world.diagnosis()
    check_sound(diagnosis)
    assert set(addrs) <= named(diagnosis), described(diagnosis)


@pytest.mark.parametrize("reason", FAILURES)
@pytest.mark.parametrize("base", [NODE, World()], ids=["a node", "a program without a node"])
class TestThreePeersInThreeNetworks:
    def test_of_our_own_dialer(self, base, reason):
        check_explained(base.fails(peers(3), reason), peers(3))

    def test_of_a_program_that_records_reasons_only(self, base, reason):
        check_explained(base.reports(peers(3), reason), peers(3))


@pytest.mark.parametrize("reason", sorted(set(FAILURES) - HARMLESS))
@pytest.mark.parametrize("working", WORKING.values(), ids=WORKING.keys())
class TestOnePeerAmongFiveThatWork:
    def test_of_our_own_dialer(self, working, reason):
        check_explained(working.fails(peer(1), reason), [peer(1)])

    def test_of_a_program_that_records_reasons_only(self, working, reason):
        check_explained(working.reports(peer(1), reason), [peer(1)])


@pytest.mark.parametrize("reason", sorted(HARMLESS))
def test_a_harmless_reason_raises_no_alarm(reason):
    assert WORKING["a node"].fails(peer(1), reason).diagnosis().healthy


@pytest.mark.parametrize("reason", sorted({reason for reason in Reason if reason.kind is Kind.SKIP}))
def test_a_skip_is_not_a_failure_of_the_peer(reason):
    for found in WORKING["a node"].skips(peer(1), reason).diagnosis().findings:
        assert found.affected_dials == 0
