"""Every action of every cause can be carried out as it is: commands run, settings load, and no value escapes."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib

import click
import pytest

from nocarrier import config
from nocarrier.cli.main import VERBS, main
from nocarrier.diagnosis import CAUSES
from nocarrier.model.action import OTHERS, Action, NextAction, ProgramKind
from nocarrier.model.wording.text import (
    Sayable,
    address,
    decimal,
    host,
    identity,
    listed,
    network,
    percent,
    quoted,
    say,
    word,
)
from tests.diagnosis.table import all_tables
from tests.diagnosis.world import World

PROGRAMS = {
    "cat": "coreutils",
    "chronyc": "chrony",
    "curl": "curl",
    "date": "coreutils",
    "free": "procps",
    "getent": "libc-bin",
    "ip": "iproute2",
    "iptables": "iptables",
    "ls": "coreutils",
    "nft": "nftables",
    "nocarrier": "itself",
    "nslookup": "bind9-dnsutils",
    "ping": "iputils-ping",
    "prlimit": "util-linux",
    "ss": "iproute2",
    "sysctl": "procps",
    "timedatectl": "systemd",
    "top": "procps",
    "tracepath": "iputils-tracepath",
    "traceroute": "traceroute",
}
"""The programs that a command may start with, and the Debian package of each."""

ADDR = address("203.0.113.9:7072")
VALUES: dict[str, Sayable] = {
    "ban": quoted("203.0.113.0/24"),
    "book": word("peer_book"),
    "descriptors": word("file descriptors"),
    "gateway": host("192.168.1.1"),
    "genesis": quoted("ab" * 32),
    "hop": host("203.0.113.1"),
    "host": host("203.0.113.9"),
    "interface": word("eth0"),
    "limit": quoted("max_dials_in_flight"),
    "memory": word("memory for sockets"),
    "minutes": 30,
    "name": host("seed.example"),
    "network": quoted("main"),
    "newest": 1,
    "no_default": word("default route"),
    "node_id": identity("cd" * 32),
    "off": say("is {span} ahead of ours", span=word("10 min")),
    "pid": 4711,
    "missing": host("seed.example"),
    "port": 7072,
    "portal": host("192.168.1.1"),
    "ports": word("local ports"),
    "protocol": word("Bitcoin"),
    "reason": word("timeout"),
    "route": network("203.0.113.0/24"),
    "route_type": word("prohibit"),
    "routed_host": host("203.0.113.9"),
    "seconds": decimal(2.5, 1),
    "share": percent(0.75),
    "servers": listed([host("192.168.1.1")]),
    "short_genesis": quoted("abababababab…"),
    "source": word("gossip"),
    "step": word("Do this."),
    "time": word("expired"),
    "unknown_name": host("seed.example"),
    "unknown_server": host("seed.example"),
    "via_host": host("203.0.113.9"),
    "wanted": 3,
    "where": say("port {port}", port=7072),
    "window": decimal(30),
    **dict.fromkeys(("are_most", "not_recorded"), 4),
    **dict.fromkeys(
        (
            "absent",
            "addr",
            "banned",
            "barred",
            "filtered",
            "foreign",
            "invalid",
            "ipv6",
            "newer",
            "only_own",
            "other_version",
            "own",
            "private",
        ),
        ADDR,
    ),
    **dict.fromkeys(
        ("refused", "right", "routed", "sandboxed", "silent", "skewed", "taken", "twice", "unadmitted", "unknown"), ADDR
    ),
    **dict.fromkeys(("unsure", "via", "wrong"), ADDR),
}
"""A value for every placeholder, as a finding has it."""

NETWORKS = {"private_addresses_gossiped": network("192.168.1.0/24"), "seeds_misconfigured": network("192.168.1.0/24")}
"""In these causes `network` has a number of bits; elsewhere it is the name of a network."""

HOSTILE = [
    "; false", "$(id)", "`id`", "x\nid", "x'y", 'x"y', "x y", "&& id", "| id", ">/tmp/x", "*", "~", "\\", "-x",
    "#", "x\x00y",
]  # fmt: skip

ACTIONS = [
    pytest.param(cause, action, id=f"{cause.code}-{place}")
    for cause in CAUSES
    for place, action in enumerate(cause.next_actions, 1)
]
COMMANDS = [param for param in ACTIONS if param.values[1].command is not None]
SETTINGS = [param for param in ACTIONS if param.values[1].settings is not None]


def values_for(code: str) -> dict[str, Sayable]:
    return VALUES | ({"network": NETWORKS[code]} if code in NETWORKS else {})


def made(cause, action: Action) -> NextAction:
    filled = action.filled(values_for(cause.code))
    assert filled is not None, "a placeholder is not in the table of this test"
    return filled


@pytest.mark.parametrize(("cause", "action"), ACTIONS)
def test_it_is_a_complete_sentence_with_values(cause, action):
    text = str(made(cause, action).text)
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")
    assert not re.search(r"[{}]", text)
    assert "check your network" not in text.lower()
    assert not re.search(r"\b(?:tell|ask) who\b", text, re.IGNORECASE)


@pytest.mark.parametrize(("cause", "action"), ACTIONS)
def test_it_says_which_programs_it_applies_to(cause, action):
    assert action.applies_to
    assert len(set(action.applies_to)) == len(action.applies_to)
    if action.settings is not None or " connect " in f"{action.command} ":
        assert action.applies_to == (ProgramKind.NODE,), "only a node has our settings, and dials on request"
    if "[node]" in action.text and "its operator" not in action.text and "the operator" not in action.text:
        assert action.applies_to == (ProgramKind.NODE,)


@pytest.mark.parametrize(("cause", "action"), COMMANDS)
def test_its_command_runs_as_it_is(cause, action):
    command = str(made(cause, action).command)
    assert "\n" not in command
    words = list(shlex.shlex(command, posix=True, punctuation_chars=True))
    assert not set(words) & {";", "&", "&&", "|", "||", ">", "<", "(", ")"}, "two commands are two actions"
    program, *arguments = shlex.split(command)
    assert program in PROGRAMS
    assert [word for word in arguments if re.fullmatch(r"[A-Z]{3,}", word)] in ([], ["OUTPUT"]), "a name for a value"
    assert not re.search(r"""["'][^"']*{""", action.command), "a quoted value is not quoted again"
    subprocess.run(["bash", "-n", "-c", command], check=True, timeout=10)
    if program == "nocarrier":
        verb, *options = arguments
        assert verb in VERBS
        function = main.get_command(click.Context(main), verb)
        assert function is not None
        function.make_context(verb, options)  # raises if it does not know such an option


@pytest.mark.parametrize(("cause", "action"), COMMANDS)
def test_no_value_breaks_out_of_its_command(cause, action):
    names = {name for name in VALUES if f"{{{name}}}" in action.command}
    usual = shlex.split(str(made(cause, action).command))
    for name in names:
        for said in HOSTILE:
            filled = action.filled(values_for(cause.code) | {name: quoted(said)})
            assert filled is not None
            if filled.command is None:
                assert not said.isprintable() or said.startswith("-")
                continue
            arguments = given_to(usual[0], str(filled.command))
            assert len(arguments) == len(usual) - 1
            assert sum(said in argument for argument in arguments) == action.command.count(f"{{{name}}}")


def given_to(program: str, command: str) -> list[str]:
    """The arguments that bash gives to `program`."""
    script = f"{program}() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=10)
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize(("cause", "action"), SETTINGS)
def test_its_settings_are_real_ones_and_load(cause, action, tmp_path):
    settings = str(made(cause, action).settings)
    file = tmp_path / "nocarrier.toml"
    file.write_text(settings)
    loaded = config.load(file)
    for section, values in tomllib.loads(settings).items():
        assert values
        for name, value in values.items():
            loaded_value = getattr(getattr(loaded, section), name)
            assert (list(loaded_value) if isinstance(loaded_value, tuple) else loaded_value) == value


@pytest.mark.parametrize(("cause", "action"), SETTINGS)
@pytest.mark.parametrize("said", HOSTILE)
def test_no_value_breaks_out_of_its_settings(cause, action, said):
    usual = tomllib.loads(str(made(cause, action).settings))
    for name in (name for name in VALUES if f"{{{name}}}" in action.settings):
        filled = action.filled(values_for(cause.code) | {name: quoted(said)})
        if filled.settings is not None:
            read = tomllib.loads(str(filled.settings))
            assert {section: set(values) for section, values in read.items()} == {
                section: set(values) for section, values in usual.items()
            }


def worlds() -> list[tuple[str, str, World]]:
    return [(code, words, row.world) for code, table in all_tables().items() for words, row in table.raised.items()]


@pytest.mark.parametrize(("code", "words", "world"), [pytest.param(*row, id=f"{row[0]}: {row[1]}") for row in worlds()])
def test_the_operator_of_any_program_can_do_something(code, words, world):
    kinds = OTHERS if world.node is None else (ProgramKind.NODE,)
    for found in world.diagnosis().findings:
        for kind in kinds:
            assert [action for action in found.next_actions if kind in action.applies_to], f"{found.code}: {kind}"


def test_every_listed_program_is_used_by_a_command():
    named = {shlex.split(str(made(*param.values).command))[0] for param in COMMANDS}
    assert named == set(PROGRAMS)


def test_every_action_is_needed_in_some_world():
    by_code = {cause.code: cause for cause in CAUSES}
    cases = [(code, case) for code, _, world in worlds() if (case := by_code[code].rule(world.facts())) is not None]
    missing = [
        f"{cause.code}: {action.text}"
        for cause in CAUSES
        for action in cause.next_actions
        if not any(code == cause.code and action.filled(case.values) is not None for code, case in cases)
    ]
    assert missing == []
