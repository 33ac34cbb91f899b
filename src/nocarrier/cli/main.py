"""`nocarrier VERB`: loads the file of the verb and nothing else."""

from __future__ import annotations

import gc
import importlib
import io
import sys
from http import HTTPStatus

try:
    import click
except ModuleNotFoundError:  # the core alone is installed
    sys.exit("nocarrier's command line needs more than the core; run: pip install 'nocarrier[node]'")

from nocarrier.cli.render.text import printable
from nocarrier.errors import NocarrierError, NodeUnreachableError, RequestRefusedError
from nocarrier.model.version import VERSION

VERBS = {
    "run": "Run a node.",
    "demo": "Run a small network with faults in it, on this machine only.",
    "doctor": "Say what is wrong, why, and what to do.",
    "failures": "Show the newest dial failures.",
    "top": "Watch a node live.",
    "history": "Show how dials ended, across restarts.",
    "report": "Write one file to attach to a bug report.",
    "peers": "Show the peer book.",
    "connect": "Dial a peer now and say how the dial ended.",
    "explain": "Explain a reason, a cause or any other word.",
    "diff": "Compare two nodes: can they talk, and if not, why not?",
    "ticket": "Make admission tickets for a private network.",
    "version": "Show the version.",
}
"""Each verb is a function of that name in `nocarrier.cli.VERB`. The help texts are here so that listing them loads no
verb."""

_FOLDERS = frozenset({"history", "report", "top"})
"""Verbs with a folder of their own; the function is in its module `command`."""


class _Failed(click.ClickException):
    exit_code = 1


class _CannotAsk(click.ClickException):
    exit_code = 2


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = f"nocarrier.cli.{cmd_name}.command" if cmd_name in _FOLDERS else f"nocarrier.cli.{cmd_name}"
        command = getattr(importlib.import_module(module), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            from nocarrier.model.wording.nearest import did_you_mean  # noqa: PLC0415 - loaded only for a mistyped verb

            ctx.fail(f"There is no verb {printable(args[0])!r}. {did_you_mean(args[0], VERBS)}".rstrip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> object:
        gc.freeze()  # what is loaded stays until the end, so the collector need not look through it again and again
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # not every terminal can show what a peer calls itself
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except NocarrierError as error:
            raise (_CannotAsk if _is_not_asked(error) else _Failed)(printable(error)) from error


def _is_not_asked(error: NocarrierError) -> bool:
    """Whether the node could not be asked, or refused the question as malformed: then the command line is wrong."""
    is_malformed = isinstance(error, RequestRefusedError) and error.status in _MALFORMED
    return is_malformed or isinstance(error, NodeUnreachableError)


_MALFORMED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@click.command(
    cls=_Verbs,
    name="nocarrier",
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="VERB [ARGS]...",
)
@click.version_option(VERSION, message="nocarrier %(version)s")
def main() -> None:
    """Find out why your peer-to-peer connections fail."""


if __name__ == "__main__":
    main()
