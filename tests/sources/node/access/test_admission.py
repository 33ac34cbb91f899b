"""Which peers the node accepts, before and after their proof; `tests/reasons` tests what it tells the others."""

from __future__ import annotations

import time

import pytest

from nocarrier.model.address import Address
from nocarrier.model.node.state import Direction
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.access.admission import Admission
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire import RemotePeer
from nocarrier.sources.node.wire.messages import Hello

ADDRESS = Address("192.0.2.1", 7072)
REMOTE = RemotePeer.from_hello(
    Hello(
        node_id="ab" * 32,
        network="test",
        genesis="cd" * 32,
        min_version=1,
        max_version=2,
        nonce=bytes(32),
        boot_id=bytes(8),
        clock_unix=0,
    ),
    now_unix=0,
)
OWN_ID = Identity.generate().node_id


def admission(*, bans: tuple[str, ...] = (), max_peers: int = 8) -> tuple[Admission, BanList]:
    ban_list = BanList(bans)
    made = Admission(
        network="test", admission_key="", max_peers=max_peers, bans=ban_list, sessions=SessionTable(OWN_ID)
    )
    return made, ban_list


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize("direction", Direction)
def test_a_stranger_is_accepted(direction, proven):
    assert admission()[0].rules_for(ADDRESS, direction)(REMOTE, proven=proven) is None


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("ban", ["192.0.2.1", "192.0.2.0/24", REMOTE.node_id])
def test_a_ban_holds_in_both_directions_and_before_any_proof(ban, direction, proven):
    rejection = admission(bans=(ban,))[0].rules_for(ADDRESS, direction)(REMOTE, proven=proven)
    assert rejection.reason is Reason.BANNED


def test_the_port_of_an_inbound_peer_means_nothing():
    made, _ = admission(bans=(str(ADDRESS),))
    assert made.rules_for(ADDRESS, Direction.INBOUND)(REMOTE, proven=True) is None
    assert made.rules_for(ADDRESS, Direction.OUTBOUND)(REMOTE, proven=True).reason is Reason.BANNED


def test_a_ban_takes_effect_when_it_is_set_and_ceases_when_it_ends():
    made, bans = admission()
    admit = made.rules_for(ADDRESS, Direction.INBOUND)
    until_unix = time.time() + 60
    bans.add(REMOTE.node_id, now_unix=time.time(), until_unix=until_unix, reason="spam")
    rejection = admit(REMOTE, proven=True)
    assert (rejection.reason, rejection.detail, rejection.until_unix) == (Reason.BANNED, "spam", until_unix)
    bans.remove(REMOTE.node_id)
    assert admit(REMOTE, proven=True) is None
