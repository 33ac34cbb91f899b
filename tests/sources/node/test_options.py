"""Settings that cannot work are refused by name, with what is allowed; all others can be told to every peer."""

from __future__ import annotations

import math

import msgspec
import pytest
from msgspec import structs

from nocarrier.errors import ConfigError
from nocarrier.model.bounds import MAX_PROTOCOL_VERSION
from nocarrier.sources.node.node import Node
from nocarrier.sources.node.options import NodeOptions, TimingOptions
from nocarrier.tracking import DialTracker

IMPOSSIBLE = [
    ("genesis", "AB" * 32),
    ("genesis", "ab"),
    ("network", ""),
    ("network", "my network"),
    ("network", "netzwörk"),
    ("network", "x" * 65),
    ("protocol_version", -1),
    ("protocol_version", MAX_PROTOCOL_VERSION + 1),
    ("min_protocol_version", 3),
    ("max_peers", 0),
    ("target_peers", 65),
    ("max_dials_in_flight", 0),
    ("netgroup_prefix", 33),
    ("allow_networks", ("127.0.0.1/8",)),
    ("p2p_listen", "7072"),
    ("p2p_listen", "127.0.0.1:70720"),
    ("advertise", "192.0.2.1"),
    ("advertise", "192.0.2.1:0"),
    ("admission_key", "not a key"),
    ("ticket", "x" * 4097),
]


@pytest.mark.parametrize(("key", "value"), IMPOSSIBLE, ids=lambda value: str(value)[:20])
def test_an_impossible_value_is_refused_with_key_value_and_what_is_allowed(key, value):
    with pytest.raises(ConfigError, match="cannot work; it must be") as refused:
        structs.replace(NodeOptions(), **{key: value}).check()
    assert str(refused.value).startswith(f"{key} = {value!r}")


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 86_401])
@pytest.mark.parametrize("key", TimingOptions.__struct_fields__)
def test_impossible_timeouts_are_refused(key, value):
    with pytest.raises(ConfigError, match=f"{key} = "):
        structs.replace(TimingOptions(), **{key: value}).check()


def test_a_window_shorter_than_one_attempt_is_refused():
    with pytest.raises(ConfigError, match="handshake_window_s = 5"):
        TimingOptions(handshake_attempt_s=12, handshake_window_s=5).check()


def test_the_defaults_are_the_documented_ones():
    NodeOptions().check()
    TimingOptions().check()
    options, timing = msgspec.to_builtins(NodeOptions()), msgspec.to_builtins(TimingOptions())
    assert (options["p2p_listen"], options["target_peers"], options["max_peers"]) == ("0.0.0.0:7072", 8, 64)
    assert (options["ipv4_only"], options["lan_mode"], options["netgroup_prefix"]) == (True, False, 16)
    assert timing == {
        "connect_timeout_s": 10,
        "handshake_attempt_s": 12,
        "handshake_window_s": 36,
        "maintain_interval_s": 30,
        "gossip_interval_s": 30,
    }


@pytest.mark.parametrize(
    "extremes",
    [
        {"network": "~" * 64, "protocol_version": MAX_PROTOCOL_VERSION, "ticket": "x" * 4096},
        {"network": "!", "protocol_version": 0, "min_protocol_version": 0, "advertise": "[2001:db8::1]:65535"},
        {"advertise": f"{'a' * 63}.{'b' * 63}.example:1"},
    ],
)
async def test_every_accepted_value_fits_into_a_hello(tmp_path, extremes):
    options = NodeOptions(p2p_listen="127.0.0.1:0", **extremes)
    async with Node(options, TimingOptions(), data_dir=tmp_path, recorder=DialTracker(), version="test") as node:
        assert node.ready
