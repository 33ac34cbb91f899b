"""Actions: commands and settings that values from strangers cannot change."""

from __future__ import annotations

import shlex
import subprocess
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.model.action import DEFAULT_URL, Action, ProgramKind, filled
from nocarrier.model.wording.text import ValueKind, address, quoted

HOSTILE = ["; false", "$(id)", "`id`", "a'b", 'a"b', "a b", "&& id", "| id", "> /tmp/x", "\\", "~root", "*", "#"]
UNPRINTABLE = ["a\nid", "a\rid", "a\x00b", "a\x1b[2J", "a\u2028b"]


def command_of(template, **values):
    return Action(text="Do.", command=template).filled(values).command


def test_an_action_is_filled():
    action = Action(
        text="Dial {addr}.", command="nocarrier connect {addr} --url {url}", settings="[node]\nseeds = [{addr}]"
    )
    made = action.filled({"addr": address("192.0.2.1:7072"), "other": 3})
    assert str(made.text) == "Dial 192.0.2.1:7072."
    assert str(made.command) == f"nocarrier connect 192.0.2.1:7072 --url {DEFAULT_URL}"
    assert str(made.settings) == '[node]\nseeds = ["192.0.2.1:7072"]'
    assert made.applies_to == tuple(ProgramKind)


@pytest.mark.parametrize(
    "action",
    [
        Action(text="{addr}"),
        Action(text="Do.", command="x {addr}"),
        Action(text="Do.", settings="[x]\ny = {addr}"),
        Action(text="Do.", needs=("addr",)),
    ],
)
def test_an_action_without_a_value_that_it_needs_does_not_apply(action):
    assert action.filled({}) is None
    assert filled([action, action], {}) == ()
    assert action.filled({"addr": address("a:1")}) is not None


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_one_word_of_the_shell(value):
    command = str(command_of("printf %s {said}", said=quoted(value)))
    assert shlex.split(command) == ["printf", "%s", value]
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout == value


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_inside_a_word_stays_in_it(value):
    assert shlex.split(str(command_of("curl http://{said}/x", said=quoted(value)))) == ["curl", f"http://{value}/x"]


@pytest.mark.parametrize("value", [*UNPRINTABLE, "-rf", "--config=/etc/passwd"])
def test_a_value_that_is_not_one_word_on_one_line_leaves_the_command_out(value):
    made = Action(text="Look at {said}.", command="ls {said}").filled({"said": quoted(value)})
    assert made.command is None
    assert str(made.text) == f"Look at {value}."


@given(st.text(max_size=30))
def test_settings_are_valid_toml_whatever_a_value_is(value):
    made = Action(text="Do.", settings="[node]\nseeds = [{said}]\nx = {number}").filled(
        {"said": quoted(value), "number": 3}
    )
    if made.settings is None:
        assert not value.isprintable()
    else:
        assert tomllib.loads(str(made.settings)) == {"node": {"seeds": [value], "x": 3}}


def test_the_url_is_that_of_the_request():
    made = Action(text="Do.", command="curl {url}/healthz").filled({}).asked_at("http://localhost:7071")
    assert str(made.command) == "curl http://localhost:7071/healthz"


def test_a_masked_action_reveals_no_identity():
    action = Action(text="Ask {addr}.", command="ping {addr}", settings="[x]\ny = {addr}")
    made = action.filled({"addr": address("a b")}).masked(
        lambda kind, text: "m m" if kind is ValueKind.ADDRESS else text
    )
    assert [str(made.text), str(made.command), str(made.settings)] == ["Ask m m.", "ping 'm m'", '[x]\ny = "m m"']
