"""`nocarrier report`: one file to attach to a bug report."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nocarrier.cli.node_options import names_node
from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import printable
from nocarrier.cli.render.times import Moment
from nocarrier.cli.report.facts import gather
from nocarrier.cli.report.html import report_html
from nocarrier.cli.report.text import report_text
from nocarrier.client.node_client import NodeClient

MARKDOWN, HTML = "md", "html"

STDOUT = "-"


@click.command
@click.option(
    "--since",
    "since_unix",
    type=Moment(),
    default="1h",
    show_default=True,
    help="Start of the period: how far back, such as 90s, 5m or 24h, or a date.",
)
@click.option(
    "--until", "until_unix", type=Moment(), help="End of the period, in the same format as --since; default: now."
)
@click.option(
    "--format",
    "form",
    type=click.Choice((MARKDOWN, HTML)),
    help="Output format; by default taken from the file name, else md.",
)
@click.option(
    "--output", help="File to write; - is standard output. [default: nocarrier-report-TIME.FORMAT in this folder]"
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--unredacted", is_flag=True, help="Do not mask addresses, names and identities.")
@names_node
def report(
    client: NodeClient,
    *,
    since_unix: float,
    until_unix: float | None,
    form: str | None,
    output: str | None,
    force: bool,
    unredacted: bool,
) -> None:
    """Write one file for a bug report: what is wrong with a node, and the evidence.

    The node masks addresses, names and identities unless you pass --unredacted.
    """
    now_unix = time.time()
    until_unix = now_unix if until_unix is None else until_unix
    if since_unix >= until_unix:
        raise click.UsageError("--since must be before --until")
    form = form or (HTML if output and output.endswith((".html", ".htm")) else MARKDOWN)
    path = (
        None
        if output == STDOUT
        else Path(output or time.strftime(f"nocarrier-report-%Y%m%dT%H%M%SZ.{form}", time.gmtime(now_unix)))
    )
    if path is not None and path.exists() and not force:
        raise click.ClickException(
            f"{path} exists already; name another file with --output, or replace it with --force"
        )
    with progress("asking the node") as tell:
        facts = gather(client, since_unix, until_unix, is_redacted=not unredacted, tell=tell)
    text = report_text(facts, now_unix)
    if form == HTML:
        text = report_html(text, facts.recorded.failures)
    if path is None:
        click.echo(text, nl=False)
        return
    _write(path, text, force=force)
    who = "nothing is masked" if unredacted else "addresses, names and identities are masked"
    click.echo(f"Wrote {printable(path)} ({len(text.encode()) / 1000:.0f} kB; {who}).")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise click.ClickException(
            f"{printable(path)} cannot be written ({error.strerror}); name another file with --output"
        ) from error
