"""Settings: where they come from, and what is said about impossible ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from nocarrier import ConfigError
from nocarrier.config import SECTIONS, Settings, load, setting_table


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes) -> Path:
        path = tmp_path / "nocarrier.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def refusal(path: Path | None = None, **sources) -> str:
    with pytest.raises(ConfigError) as refused:
        load(path, **sources)
    return str(refused.value)


def test_without_any_settings_the_documented_defaults_apply():
    settings = load()
    assert settings == Settings()
    assert (settings.http.listen, settings.node.p2p_listen, settings.timing.handshake_window_s) == (
        "127.0.0.1:7070", "0.0.0.0:7072", 36,
    )  # fmt: skip


def test_a_file_with_every_kind_of_setting_is_read(write):
    path = write("""
        [node]
        network = "main"
        seeds = ["seed.example:7072", "192.0.2.1:7072"]
        allow_networks = ["127.0.0.0/8"]
        lan_mode = true
        target_peers = 3
        [timing]
        connect_timeout_s = 2
        [http]
        listen = "127.0.0.1:7071"
        [history]
        enabled = false
        max_bytes = 1_000_000
    """)
    settings = load(path)
    assert settings.node.seeds == ("seed.example:7072", "192.0.2.1:7072")
    assert settings.node.lan_mode is True
    assert settings.timing.connect_timeout_s == 2
    assert settings.http.listen == "127.0.0.1:7071"
    assert settings.history.enabled is False


def test_environment_overrides_file_and_flags_override_both(write):
    path = write("[node]\ntarget_peers = 1\nmax_peers = 11\nnetgroup_prefix = 21")
    environ = {"NOCARRIER_NODE_TARGET_PEERS": "2", "NOCARRIER_NODE_MAX_PEERS": "12", "PATH": "/bin"}
    flags = {"node.target_peers": "3", "node.max_peers": None}
    node = load(path, environ=environ, flags=flags).node
    assert (node.target_peers, node.max_peers, node.netgroup_prefix) == (3, 12, 21)


def test_text_from_the_environment_becomes_lists_numbers_and_booleans():
    settings = load(
        environ={
            "NOCARRIER_NODE_SEEDS": "192.0.2.1:7072, seed.example:7072,",
            "NOCARRIER_NODE_BANS": "",
            "NOCARRIER_NODE_IPV4_ONLY": "false",
            "NOCARRIER_TIMING_CONNECT_TIMEOUT_S": "2.5",
        }
    )
    assert settings.node.seeds == ("192.0.2.1:7072", "seed.example:7072")
    assert settings.node.bans == ()
    assert settings.node.ipv4_only is False
    assert settings.timing.connect_timeout_s == 2.5


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[node]\ntarget_pers = 3", ["target_pers", "Did you mean target_peers?"]),
        ("[nod]\ntarget_peers = 3", ["[nod]", "Did you mean node?", "Allowed are node, timing, http, history"]),
        ("target_peers = 3", ["target_peers"]),
        ("node = 3", ["node", "[node]"]),
        ('[node]\ntarget_peers = "8"', ["target_peers", "'8'", "whole number"]),
        ("[node]\ntarget_peers = 1.5", ["target_peers", "1.5", "whole number"]),
        ("[node]\nlan_mode = 1", ["lan_mode", "true/false"]),
        ('[node]\nseeds = "192.0.2.1:7072"', ["seeds", "list of texts"]),
        ("[node]\nseeds = [1]", ["seeds", "list of texts"]),
        ("[node]\ntarget_peers = -1", ["target_peers", "-1", "0 to max_peers (64)"]),
        ("[node]\ntarget_peers = 65", ["target_peers", "0 to max_peers (64)"]),
        ("[node]\nmin_protocol_version = 3", ["min_protocol_version", "0 to protocol_version (2)"]),
        ('[node]\ngenesis = "abc"', ["genesis", "64 lower-case hex digits"]),
        ('[node]\nallow_networks = ["10.0.0.1/8"]', ["allow_networks", "10.0.0.1/8", "host bits"]),
        ('[node]\np2p_listen = "0.0.0.0"', ["p2p_listen", "0.0.0.0:7072"]),
        ('[node]\np2p_listen = "localhost:7072"', ["p2p_listen", "an IP address"]),
        ('[node]\nadvertise = "203.0.113.1:99999"', ["advertise", "host:port"]),
        ("[timing]\nconnect_timeout_s = nan", ["connect_timeout_s", "nan", "0.01 to 86400"]),
        ("[timing]\nconnect_timeout_s = inf", ["connect_timeout_s", "inf", "0.01 to 86400"]),
        ("[timing]\nhandshake_window_s = 5", ["handshake_window_s", "at least handshake_attempt_s (12)"]),
        ('[http]\nlisten = "0.0.0.0:7070"', ["listen", "0.0.0.0:7070", "set token"]),
        ('[http]\nlisten = "7070"', ["listen", "host:port"]),
        ("[history]\nttl_days = 0", ["ttl_days", "0.01 to 36500"]),
        ("[history]\nmax_bytes = true", ["max_bytes", "whole number"]),
        ("[node\n", ["not valid TOML", "line 1"]),
        (b"[node]\nnetwork = '\xff'", ["not UTF-8", "byte 18"]),
    ],
)
def test_an_impossible_file_is_refused_with_file_key_value_and_what_is_allowed(write, content, says):
    path = write(content)
    message = refusal(path)
    assert str(path) in message
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("NOCARRIER_NODE_TARGET_PERS", "3", "Did you mean target_peers?"),
        ("NOCARRIER_NODE_TARGET_PEERS", "many", "whole number"),
        ("NOCARRIER_NODE_TARGET_PEERS", "", "whole number"),
        ("NOCARRIER_NODE_LAN_MODE", "maybe", "true/false"),
        ("NOCARRIER_TIMING_CONNECT_TIMEOUT_S", "nan", "0.01 to 86400"),
        ("NOCARRIER_NODE_NETWORK", "\udcff", "text"),
    ],
)
def test_an_impossible_variable_is_refused_by_name(variable, value, says):
    message = refusal(environ={variable: value})
    assert variable in message
    assert says in message


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("node.target_pers", "3", "Did you mean target_peers?"),
        ("noed.target_peers", "3", "Did you mean node?"),
        ("node.target_peers", "many", "whole number"),
        ("http.listen", "0.0.0.0:7070", "set token"),
    ],
)
def test_an_impossible_flag_is_refused_by_name(flag, value, says):
    message = refusal(flags={flag: value})
    assert "flag --" + flag.replace(".", "-").replace("_", "-") in message
    assert says in message


def test_a_missing_settings_file_is_reported_as_such(tmp_path):
    assert str(tmp_path / "missing.toml") in refusal(tmp_path / "missing.toml")


def test_a_folder_is_not_a_settings_file(tmp_path):
    assert "TOML file" in refusal(tmp_path)


def test_variables_that_kubernetes_sets_for_a_service_named_nocarrier_are_not_settings():
    environ = {
        "NOCARRIER_HTTP_SERVICE_HOST": "10.0.0.1",
        "NOCARRIER_HTTP_SERVICE_PORT_API": "7070",
        "NOCARRIER_HTTP_PORT": "tcp://10.0.0.1:7070",
        "NOCARRIER_HTTP_PORT_7070_TCP_ADDR": "10.0.0.1",
        "NOCARRIER_URL": "http://127.0.0.1:7070",
    }
    assert load(environ=environ) == Settings()


def test_a_secret_does_not_appear_in_an_error(write):
    message = refusal(write('[http]\ntoken = "my secret"'))
    assert "token" in message
    assert "my secret" not in message


def test_with_a_token_other_addresses_are_allowed(write):
    assert load(write('[http]\nlisten = "0.0.0.0:7070"\ntoken = "s3cret"')).http.listen == "0.0.0.0:7070"


def test_state_is_kept_in_the_platforms_folder_unless_set_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert load().data_dir().name == "nocarrier"
    assert load(flags={"node.data_dir": str(tmp_path / "state")}).data_dir() == tmp_path / "state"
    assert load(flags={"node.data_dir": "~/state"}).data_dir() == tmp_path / "home" / "state"


def test_every_setting_has_a_row_with_a_meaning():
    rows = setting_table()
    assert {(row.section, row.key) for row in rows} == {
        (section, key) for section, struct in SECTIONS.items() for key in struct.__struct_fields__
    }
    assert all(row.meaning.endswith(".") for row in rows)


def test_every_setting_can_be_given_as_the_table_says():
    for row in setting_table():
        text = ",".join(row.default) if isinstance(row.default, tuple) else str(row.default).lower()
        assert load(environ={row.variable: text}) == Settings(), row
        assert load(flags={f"{row.section}.{row.key}": text}) == Settings(), row
