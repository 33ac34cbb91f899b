"""Bans match their targets, end at their stated time, and survive."""

from __future__ import annotations

import ipaddress
import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.errors import ConfigError, StateFileError
from nocarrier.sources.node.access.bans import BanList, Origin

NOW = 1_800_000_000.0
NODE = "ab" * 32


def ip(text: str):
    return ipaddress.ip_address(text)


def is_banned(bans: BanList, host: str, port: int | None = None, now_unix: float = NOW) -> bool:
    return bans.match(ip=ip(host), port=port, now_unix=now_unix) is not None


@pytest.mark.parametrize(
    ("target", "host", "port", "banned"),
    [
        ("192.0.2.1", "192.0.2.1", 7072, True),
        ("192.0.2.1", "192.0.2.1", None, True),
        ("192.0.2.1", "192.0.2.2", 7072, False),
        ("192.0.2.1:7072", "192.0.2.1", 7072, True),
        ("192.0.2.1:7072", "192.0.2.1", 7073, False),
        ("192.0.2.1:7072", "192.0.2.1", None, False),
        ("192.0.2.0/24", "192.0.2.255", 1, True),
        ("192.0.2.0/24", "192.0.3.0", 1, False),
        ("192.0.2.8/29", "192.0.2.15", 1, True),
        ("192.0.2.8/29", "192.0.2.16", 1, False),
        ("0.0.0.0/0", "203.0.113.7", 1, True),
        ("0.0.0.0/0", "2001:db8::1", 1, False),
        ("2001:db8::/32", "2001:db8:ffff::1", 1, True),
        ("2001:db8::/32", "2001:db9::1", 1, False),
        ("2001:db8::1", "2001:db8::1", 1, True),
        ("[2001:DB8::1]:7072", "2001:db8::1", 7072, True),
        ("[2001:DB8::1]:7072", "2001:db8::1", 1, False),
        ("192.0.2.1", "::ffff:192.0.2.1", 1, True),
        ("::ffff:192.0.2.1", "192.0.2.1", 1, True),
        ("::ffff:192.0.2.0/120", "192.0.2.9", 1, True),
        ("::1.2.3.4", "1.2.3.4", 1, False),
    ],
)
def test_a_ban_matches_its_target_whether_from_settings_or_set_at_run_time(target, host, port, banned):
    assert is_banned(BanList([target]), host, port) is banned
    bans = BanList()
    bans.add(target, now_unix=NOW)
    assert is_banned(bans, host, port) is banned
    assert bans.remove(target)
    assert not is_banned(bans, host, port)


def test_a_node_is_banned_wherever_it_is():
    bans = BanList([NODE.upper()])
    assert bans.match(node_id=NODE, now_unix=NOW).target == NODE
    assert bans.match(ip=ip("192.0.2.1"), port=1, node_id=NODE, now_unix=NOW).target == NODE
    assert bans.match(node_id="cd" * 32, now_unix=NOW) is None
    assert bans.match(ip=ip("192.0.2.1"), now_unix=NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seed.example",
        "seed.example:7072",
        "192.0.2.1:0",
        "192.0.2.1:",
        "192.0.2.300",
        "192.0.2.1/24",
        "192.0.2.0/33",
        "192.0.2.0/",
        "2001:db8::1/32",
        "ab" * 31,
        "ab" * 33,
        "x" * 1_000_000,
    ],
)
def test_an_invalid_target_is_refused_with_what_can_be_banned(text):
    with pytest.raises(ConfigError, match="allowed are an IP address") as caught:
        BanList([text])
    assert len(str(caught.value)) < 700
    with pytest.raises(ConfigError):
        BanList().add(text, now_unix=NOW)
    with pytest.raises(ConfigError):
        BanList().remove(text)


def test_a_ban_ends_at_its_stated_time():
    bans = BanList()
    bans.add("192.0.2.1", now_unix=NOW, until_unix=NOW + 60, reason="flood")
    ban = bans.match(ip=ip("192.0.2.1"), now_unix=NOW + 59)
    assert (ban.until_unix, ban.reason, ban.origin, ban.banned_unix) == (NOW + 60, "flood", Origin.RUNTIME, NOW)
    assert not is_banned(bans, "192.0.2.1", now_unix=NOW + 60)
    assert bans.entries(NOW + 60) == []


def test_if_several_bans_match_the_one_that_ends_last_is_reported():
    bans = BanList()
    bans.add("192.0.2.0/24", now_unix=NOW, until_unix=NOW + 60)
    bans.add("192.0.2.1:7072", now_unix=NOW, until_unix=NOW + 600)
    bans.add(NODE, now_unix=NOW, until_unix=NOW + 30)
    found = bans.match(ip=ip("192.0.2.1"), port=7072, node_id=NODE, now_unix=NOW)
    assert found.until_unix == NOW + 600
    bans.add("192.0.0.0/16", now_unix=NOW)
    assert bans.match(ip=ip("192.0.2.1"), port=7072, node_id=NODE, now_unix=NOW).until_unix is None


def test_a_new_ban_replaces_the_old_one_however_the_target_is_spelled():
    bans = BanList()
    bans.add("2001:db8::1", now_unix=NOW)
    bans.add("2001:DB8:0::1", now_unix=NOW, until_unix=NOW + 1)
    assert [ban.until_unix for ban in bans.entries(NOW)] == [NOW + 1]


def test_bans_from_the_settings_can_only_be_lifted_there():
    bans = BanList(["192.0.2.1"])
    assert not bans.remove("192.0.2.1")
    bans.add("192.0.2.1", now_unix=NOW, until_unix=NOW + 1)
    assert [ban.origin for ban in bans.entries(NOW)] == [Origin.CONFIG, Origin.RUNTIME]
    assert bans.remove("192.0.2.1")
    assert is_banned(bans, "192.0.2.1")


def test_runtime_bans_survive_a_restart_and_bans_from_the_settings_follow_the_settings(tmp_path):
    path = tmp_path / "bans.json"
    bans = BanList(["198.51.100.0/24"], path=path)
    assert bans.load(NOW) is None
    bans.add("192.0.2.1", now_unix=NOW, until_unix=NOW + 60, reason="flood")
    bans.add(NODE, now_unix=NOW)
    bans.add("192.0.2.9", now_unix=NOW)
    bans.remove("192.0.2.9")
    again = BanList(path=path)
    assert again.load(NOW) is None
    assert again.entries(NOW) == bans.entries(NOW)[1:]
    assert not is_banned(again, "198.51.100.1")


def ban_file(target: str) -> bytes:
    ban = {"target": target, "reason": "", "banned_unix": 0, "until_unix": None, "origin": "runtime"}
    return json.dumps({"schema": 1, "bans": [ban]}).encode()


@pytest.mark.parametrize(
    "content", [b"not JSON", b'{"schema": 2, "bans": []}', ban_file("nonsense"), ban_file("2001:DB8::1")]
)
def test_a_corrupt_file_is_reported_and_kept_and_the_list_still_works(tmp_path, content):
    path = tmp_path / "bans.json"
    path.write_bytes(content)
    bans = BanList(["198.51.100.1"], path=path)
    assert "bans.json.corrupt-1800000000" in bans.load(NOW)
    assert is_banned(bans, "198.51.100.1")
    bans.add("192.0.2.1", now_unix=NOW)
    assert (tmp_path / "bans.json.corrupt-1800000000").read_bytes() == content
    assert BanList(path=path).load(NOW) is None


def test_a_ban_that_cannot_be_written_is_active_but_not_acknowledged(tmp_path):
    bans = BanList(path=tmp_path / "nowhere" / "bans.json")
    with pytest.raises(StateFileError, match="nowhere"):
        bans.add("192.0.2.1", now_unix=NOW)
    assert is_banned(bans, "192.0.2.1")


def test_a_hostile_reason_is_bounded_and_survives(tmp_path):
    bans = BanList(path=tmp_path / "bans.json")
    ban = bans.add("192.0.2.1", now_unix=NOW, reason="\udcff\x1b[31m" + "x" * 1_000_000)
    assert len(ban.reason) == 300
    again = BanList(path=tmp_path / "bans.json")
    assert again.load(NOW) is None
    assert again.entries(NOW) == [ban]


@pytest.mark.parametrize("until_unix", [math.inf, None])
def test_a_ban_without_an_end_lasts_forever(tmp_path, until_unix):
    bans = BanList(path=tmp_path / "bans.json")
    assert bans.add("192.0.2.1", now_unix=NOW, until_unix=until_unix).until_unix is None
    assert is_banned(bans, "192.0.2.1", now_unix=NOW * 1000)


def test_an_end_that_is_not_a_number_is_refused():
    with pytest.raises(ConfigError, match="NaN"):
        BanList().add("192.0.2.1", now_unix=NOW, until_unix=math.nan)


def test_the_oldest_runtime_ban_makes_room_and_is_counted_but_ended_ones_go_first():
    bans = BanList(["203.0.113.1"], max_runtime_bans=3)
    bans.add("192.0.2.1", now_unix=NOW)
    bans.add("192.0.2.2", now_unix=NOW, until_unix=NOW + 1)
    bans.add("192.0.2.3", now_unix=NOW)
    bans.add("192.0.2.1", now_unix=NOW)  # banned again: now the newest
    bans.add("192.0.2.4", now_unix=NOW + 2)
    assert bans.evicted_total == 0
    assert [ban.target for ban in bans.entries(NOW)] == ["203.0.113.1", "192.0.2.3", "192.0.2.1", "192.0.2.4"]
    bans.add("192.0.2.5", now_unix=NOW + 2)
    assert bans.evicted_total == 1
    assert [ban.target for ban in bans.entries(NOW)] == ["203.0.113.1", "192.0.2.1", "192.0.2.4", "192.0.2.5"]


@pytest.mark.speed
def test_ten_thousand_bans_match_as_fast_as_one():
    few, many = BanList(["10.0.0.1"]), BanList()
    for number in range(10_000):
        many.add(str(ipaddress.ip_address(0x0A000000 + number * 7)), now_unix=NOW)
    stranger = ip("192.0.2.1")

    def best_s(bans: BanList) -> float:
        times = []
        for _ in range(50):
            start = time.perf_counter()
            for _ in range(20):
                bans.match(ip=stranger, port=7072, node_id=NODE, now_unix=NOW)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best_s(many) < 5 * best_s(few)


def networks_around(address):
    lengths = st.integers(0, address.max_prefixlen)
    return lengths.map(lambda length: ipaddress.ip_network((address, length), strict=False))


def plain(address):
    return (address.ipv4_mapped or address) if address.version == 6 else address


@given(
    networks=st.lists(st.ip_addresses().map(plain).flatmap(networks_around), max_size=8),
    host=st.ip_addresses(),
    offset=st.integers(0, 999),
)
def test_networks_match_as_the_standard_library_says(networks, host, offset):
    bans = BanList(map(str, networks))
    inside = [network[offset % network.num_addresses] for network in networks]
    for address in map(plain, [host, *inside]):
        expected = any(address in network for network in networks if network.version == address.version)
        assert (bans.match(ip=address, now_unix=NOW) is not None) is expected
