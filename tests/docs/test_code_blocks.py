"""Every example in the documentation does what it says: it runs, or the program that it is for can read it."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from nocarrier.cli.main import main
from nocarrier.config import load
from tests.docs.blocks import BLOCKS, PAGES, ROOT, Block, commands_in_sentences
from tests.docs.world import World

MOST_NOT_RUN = 4

NOT_CODE = {"text"}
"""Pictures, and output of programs."""

RUN = [block for block in BLOCKS if block.not_run is None and block.run_by is None and block.language not in NOT_CODE]


def run_python(block: Block, world: World) -> None:
    """As a program; if it awaits outside a function, in an event loop."""
    code = f"{block.before}\n{block.text}"
    if _waits_at_top_level(code):
        indented = "".join(f"    {line}" if line.strip() else line for line in code.splitlines(keepends=True))
        code = f"import asyncio\nasync def program():\n{indented}\nasyncio.run(program())\n"
    program = world.folder / "program.py"
    program.write_text(world.here(code))
    if block.until is None:
        world.run([sys.executable, program])
    else:
        with world.running([sys.executable, program], block.until):
            pass


def _waits_at_top_level(code: str) -> bool:
    try:
        compile(code, "example", "exec")
    except SyntaxError:
        compile(code, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return True
    return False


def run_console(block: Block, world: World) -> None:
    assert block.commands(), "a console without a command"
    for command in block.commands():
        world.shell(command)


def run_shell(block: Block, world: World) -> None:
    assert world.shell(block.text).strip() not in ("", "[]", "{}", "null"), "it found nothing"


def read_toml(block: Block, world: World) -> None:
    """As the settings of a node."""
    path = world.folder / "nocarrier.toml"
    path.write_text(world.here(block.text))
    load(path, environ={})


def read_json(block: Block, world: World) -> None:
    json.loads(world.here(block.text))


def read_yaml(block: Block, world: World) -> None:
    """As the configuration of Prometheus, with the rules of this repository."""
    token = world.folder / "token"
    token.write_text("opensesame")
    config = block.text.replace("/etc/prometheus/nocarrier.token", str(token))
    path = world.folder / "prometheus.yml"
    path.write_text(config.replace("/etc/prometheus/nocarrier", str(ROOT / "monitoring" / "prometheus")))
    printed = world.shell(f"promtool check config {path}")
    assert printed.count("rules found") == config.count("_rules.yml"), printed


def read_promql(block: Block, world: World) -> None:
    path = world.folder / "rules.yml"
    rule = {"record": "example", "expr": block.text}
    path.write_text(json.dumps({"groups": [{"name": "example", "rules": [rule]}]}))
    world.shell(f"promtool check rules {path}")


HOW: dict[str, Callable[[Block, World], None]] = {
    "python": run_python,
    "console": run_console,
    "bash": run_shell,
    "sh": run_shell,
    "toml": read_toml,
    "json": read_json,
    "yaml": read_yaml,
    "promql": read_promql,
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("block", RUN, ids=str)
def test_an_example_runs(block: Block, world: World):
    HOW[block.language](block, world)


def test_every_block_has_a_language_that_can_be_run():
    assert {block.language for block in RUN} <= HOW.keys()
    assert len(RUN) > 60


def test_few_examples_are_not_run_and_each_says_why():
    """Such blocks are only for readers: raise the limit only for an example that no machine can run."""
    not_run = [f"{block}: {block.not_run}" for block in BLOCKS if block.not_run is not None]
    print(*not_run, sep="\n")
    assert len(not_run) <= MOST_NOT_RUN, not_run


def test_the_test_that_runs_an_example_is_there():
    run_by = {(block.page.name, block.run_by) for block in BLOCKS if block.run_by is not None}
    assert [page for page, path in run_by if not path.is_file() or page not in path.read_text()] == []


def commands(program: str) -> list[tuple[Path, str]]:
    return [(page, command) for page in PAGES for command in commands_in_sentences(page, program)]


@pytest.mark.parametrize(("page", "command"), commands("nocarrier"), ids=lambda value: getattr(value, "name", value))
def test_a_command_in_a_sentence_exists(page: Path, command: str):
    """Its verb and its options exist; the command is parsed and not run."""
    verb, *arguments = command.split()[1:]
    found: click.Command | None = main
    context = click.Context(main, info_name="nocarrier")
    if verb.startswith("--"):
        assert verb in {option for parameter in main.params for option in parameter.opts}
        return
    assert isinstance(main, click.Group)
    found = main.get_command(context, verb)
    assert found is not None, f"{page.name}: there is no {verb}"
    if isinstance(found, click.Group):
        sub = found.get_command(context, arguments.pop(0))
        assert sub is not None
        found = sub
    with contextlib.suppress(click.MissingParameter):  # a sentence may name only the verb
        found.make_context(verb, arguments)


def test_every_target_of_make_in_a_sentence_exists():
    targets = set(re.findall(r"(?m)^([\w -]+):", (ROOT / "Makefile").read_text()))
    known = {target for line in targets for target in line.split()}
    assert [f"{page.name}: {command}" for page, command in commands("make") if command.split()[1] not in known] == []
