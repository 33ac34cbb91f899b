"""`nocarrier report`: one file to attach to a bug report."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import printable
from nocarrier.cli.render.times import Moment
from nocarrier.cli.report.facts import gather
from nocarrier.cli.report.html import report_html
from nocarrier.cli.report.text import report_text
from nocarrier.client.node_client import NodeClient, names_node

MARKDOWN, HTML = "md", "html"

STDOUT = "-"


@click.command
@click.option(
    "--since", "since_unix", type=Moment(), default="1h", show_default=True, help="From when on: 90s, 5m, 24h."
)
@click.option("--until", "until_unix", type=Moment(), help="Until when, written likewise; else until now.")
@click.option("--format", "form", type=click.Choice((MARKDOWN, HTML)), help="Else as the file is called, or md.")
@click.option("--output", help="The file; - is standard output. [default: nocarrier-report-TIME.FORMAT in this folder]")
@click.option("--force", is_flag=True, help="Replace the file where it is there.")
@click.option("--unredacted", is_flag=True, help="With addresses, names and identities, which are masked else.")
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
    """Write what is wrong with a node and what it rests on into one file, to be attached to a bug report.

    The node masks addresses, names and identities, unless told otherwise.
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
            f"{path} is there already; name another file with --output, or replace it with --force"
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
    who = "it tells who the peers are" if unredacted else "addresses, names and identities are masked"
    click.echo(f"Wrote {printable(path)} ({len(text.encode()) / 1000:.0f} kB; {who}).")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise click.ClickException(f"{printable(path)} cannot be written: {error.strerror}; set --output") from error
