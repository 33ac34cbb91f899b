"""Every way in which an admission ticket fails, as seen by the node that shows it and by the one that reads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.access.tickets import admission_key_of, issue
from testbed.nodes import Nodes, RunningNode, eventually, facts, nodes_fixture
from testbed.provokes import provokes

nodes = nodes_fixture

ISSUER = Ed25519PrivateKey.generate()
ADMISSION_KEY = admission_key_of(ISSUER)
HOUR_S = 3600.0


@dataclass(frozen=True)
class Holder:
    """A data folder that already has a key, so that a ticket can be made for it."""

    node_id: str

    def ticket(
        self, *, issuer: Ed25519PrivateKey = ISSUER, node_id: str | None = None, begins_in_s: float = -60.0
    ) -> str:
        now_unix = time.time()
        begins_unix = now_unix + begins_in_s
        return issue(
            issuer,
            node_id=node_id or self.node_id,
            network="test",
            now_unix=now_unix,
            valid_for_s=HOUR_S,
            not_before_unix=begins_unix,
        )


INVALID: dict[str, Callable[[Holder], str]] = {
    "missing": lambda _: "",
    "expired": lambda holder: holder.ticket(begins_in_s=-2 * HOUR_S),
    "not_yet_valid": lambda holder: holder.ticket(begins_in_s=2 * HOUR_S),
    "bad_signature": lambda holder: holder.ticket(issuer=Ed25519PrivateKey.generate()),
    "wrong_subject": lambda holder: holder.ticket(node_id=Identity.generate().node_id),
}


async def start_holder(
    nodes: Nodes, tmp_path, name: str, make_ticket: Callable[[Holder], str], **options
) -> RunningNode:
    identity = Identity.load_or_create(tmp_path / name / "node_key.pem")
    return await nodes.start(data_dir=tmp_path / name, ticket=make_ticket(Holder(identity.node_id)), **options)


@provokes(Reason.TICKET_INVALID)
@pytest.mark.parametrize("kind", INVALID)
async def test_the_remote_refuses_our_ticket(nodes, tmp_path, kind):
    listener = await start_holder(nodes, tmp_path, "listener", Holder.ticket, admission_key=ADMISSION_KEY)
    dialer = await start_holder(nodes, tmp_path, "dialer", INVALID[kind])
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("ticket_invalid", "failure", "handshake", "us", "direct")
    assert (entry.evidence["ticket"], entry.evidence["stated_by"]) == (kind, "remote")
    await eventually(lambda: listener.node.listener.rejections["ticket_invalid"] == 1)
    assert not listener.node.sessions


@provokes(Reason.TICKET_INVALID)
@pytest.mark.parametrize("kind", INVALID)
async def test_we_refuse_the_ticket_of_the_remote(nodes, tmp_path, kind):
    listener = await start_holder(nodes, tmp_path, "listener", INVALID[kind])
    dialer = await start_holder(nodes, tmp_path, "dialer", Holder.ticket, admission_key=ADMISSION_KEY)
    entry = await dialer.fail_to_connect(listener.addr)
    assert facts(entry) == ("ticket_invalid", "failure", "handshake", "them", "direct")
    assert (entry.evidence["ticket"], entry.evidence["stated_by"]) == (kind, "us")
    await eventually(lambda: listener.node.listener.rejections["ticket_invalid"] == 1)  # it was told
    assert not listener.node.sessions


async def test_two_holders_of_valid_tickets_meet(nodes, tmp_path):
    listener = await start_holder(nodes, tmp_path, "listener", Holder.ticket, admission_key=ADMISSION_KEY)
    dialer = await start_holder(nodes, tmp_path, "dialer", Holder.ticket, admission_key=ADMISSION_KEY)
    assert (await dialer.node.connect(listener.addr)).reason is None
    await eventually(lambda: listener.is_connected_with(dialer))
