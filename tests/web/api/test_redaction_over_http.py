"""`?redact=true` on every route that shows addresses."""

from __future__ import annotations

import pytest

from tests.web.api.http_client import get

SECRETS = ("203.0.113.9", "198.51.100", "192.0.2", "10.0.0.1", "seedbox", "seed.example", "cd" * 32, "ab" * 32)


@pytest.mark.parametrize("path", ["/api/p2p/debug", "/api/p2p/failures", "/api/p2p/peers", "/api/p2p/propagation"])
def test_no_address_name_or_identity_is_left(server, tracker, path):
    tracker.record(
        "192.0.2.1:7072",
        "connection_refused",
        "gossip",
        via="seedbox:7072",
        detail="192.0.2.1 refused, as told by seedbox, see seed.example",
        evidence={"icmp": {"type": 3, "code": 3, "hop": "192.0.2.254"}},
        node_id="cd" * 32,
    )
    body = get(server, f"{path}?redact=true").body.decode()
    assert [secret for secret in SECRETS if secret in body] == []
    assert [secret for secret in SECRETS if secret in get(server, path).body.decode()] != []


def test_redacted_and_plain_bodies_are_not_mixed_up(server, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    bodies = [get(server, f"/api/p2p/debug{query}").body for query in ("", "?redact=true", "", "?redact=true")]
    assert bodies[0] == bodies[2] != bodies[1] == bodies[3]
    assert b"192.0.2.1" in bodies[0]
    assert b"192.0.2.1" not in bodies[1]
