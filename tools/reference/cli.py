"""The page of the command line."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from nocarrier.cli.main import VERBS
from nocarrier.cli.main import main as command_line
from reference.markdown import generated_from, table


def cli() -> Iterator[str]:
    """Every verb with its arguments and options."""
    yield generated_from("src/nocarrier/cli/")
    yield "# Command line"
    yield ("Exit codes: 0 all is well, 1 the request failed, 2 the node cannot be asked, or the command is mistyped.")
    context = click.Context(command_line, info_name="nocarrier")
    yield table(("verb", "what it does"), ((f"[`{verb}`](#{_anchor(verb, context)})", VERBS[verb]) for verb in VERBS))
    for verb in command_line.list_commands(context):
        command = command_line.get_command(context, verb)
        assert command is not None
        yield from _command(command, click.Context(command, info_name=verb, parent=context))


def _anchor(verb: str, context: click.Context) -> str:
    """The anchor of the verb on the page; for a group, that of its first command."""
    command = command_line.get_command(context, verb)
    names = [verb, *command.list_commands(context)[:1]] if isinstance(command, click.Group) else [verb]
    return "-".join(["nocarrier", *names])


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from _command(sub, click.Context(sub, info_name=name, parent=context))
        return
    yield f"## {context.command_path}"
    yield f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`"
    # Python 3.13 strips the indentation of docstrings, older ones do not.
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    # The settings have their own page.
    own = [option for option in options if "__" not in (option.name or "")]
    if own:
        yield table(("option", "meaning"), (_option(option, context) for option in own))
    if len(own) < len(options):
        yield "And a flag for every setting, such as `--node-target-peers 8`: see [settings](settings.md)."


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    record = option.get_help_record(context)
    assert record is not None, "every option is documented"
    names, meaning = record
    return f"`{names}`", " ".join(meaning.split())
