"""`nocarrier history`: the events that are kept across restarts."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from nocarrier.cli.node_options import asks_node, mistyped_words_told
from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import clock_time, print_json, print_note, print_row, print_table, printable
from nocarrier.cli.render.times import Moment, day_and_time
from nocarrier.client import history_pages
from nocarrier.client.node_client import NodeClient
from nocarrier.model.history import ENDED_BY
from nocarrier.model.taxonomy import Kind
from nocarrier.model.wording.numbers import count_of, span

if TYPE_CHECKING:
    from nocarrier.model.history import EndedBy
    from nocarrier.web.views import Coverage, PastFindingView

MOST_EVENTS = 100_000
"""A page of 1,000 events takes about 20 ms, so reading this many takes seconds."""

MOST_FINDINGS = 1_000
"""The most that a node returns."""

_USUAL_KINDS = ",".join(history_pages.USUAL_KINDS)


@click.command
@click.option(
    "--since", "since_unix", type=Moment(), help="Only this far back, such as 90s, 5m, 24h or 7d, or since a date."
)
@click.option("--until", "until_unix", type=Moment(), help="Only before this time, in the same format.")
@click.option("--reason", help="Only this reason, such as timeout.")
@click.option("--source", help="Only addresses from this source, such as seed.")
@click.option("--kind", help=f"Only these kinds, separated by commas: {', '.join(Kind)}.")
@click.option("--phase", help="Only dials that ended in this phase, such as handshake.")
@click.option("--addr", help="Only this address.")
@click.option("--via", help="Only addresses that this peer told the node.")
@click.option(
    "--limit", type=click.IntRange(1, MOST_EVENTS), default=100, show_default=True, help="Show at most this many."
)
@click.option("--findings", is_flag=True, help="Show past findings instead, with their start and end.")
@click.option("--follow", is_flag=True, help="Show the oldest first, then new events as they happen, until Ctrl-C.")
@asks_node
def history(client: NodeClient, *, as_json: bool, limit: int, findings: bool, follow: bool, **query: object) -> None:
    """Show how dials ended, newest first, across restarts of the node.

    Skips and the starts of dials are left out unless you ask for them with --kind, --reason or --phase.
    """
    if follow and (findings or query["until_unix"] is not None):
        raise click.UsageError("--follow cannot be combined with --findings or --until")
    if not findings and not any(query[name] for name in ("kind", "reason", "phase")):
        query["kind"] = _USUAL_KINDS
    show = _show_findings if findings else _follow if follow else _show_events
    with mistyped_words_told(query):
        show(client, query, limit, as_json=as_json)


def _show_events(client: NodeClient, query: Mapping[str, object], limit: int, *, as_json: bool) -> None:
    with progress("reading the history") as tell:
        found = history_pages.read_events(client, query, limit, tell)
    if as_json:
        print_json(found.document())
        return
    from nocarrier.cli.render.event_row import COLUMNS, event_row  # noqa: PLC0415 - loaded once there is an answer

    events = found.events
    print_table(COLUMNS, map(event_row, events), whole=3)
    number = "All" if found.is_complete else "The newest"
    matching = f"{number} {count_of(len(events), 'matching event')}" if events else "No events match"
    left_out = " Skips are left out; --kind skip shows them." if query["kind"] == _USUAL_KINDS else ""
    print_note(f"{matching} ({covered(found.cover)}).{left_out}")


def _follow(client: NodeClient, query: Mapping[str, object], limit: int, *, as_json: bool) -> None:
    from nocarrier.cli.history.follow import Notice, follow_history  # noqa: PLC0415 - loaded only to follow
    from nocarrier.cli.render.event_row import COLUMNS, WIDTHS, event_row  # noqa: PLC0415

    is_for_programs = not sys.stdout.isatty()
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        if is_for_programs and not as_json:
            print_row(COLUMNS)
        for item in follow_history(client, query, limit):
            if isinstance(item, Notice):
                click.echo(f"-- {printable(item.text)} --", err=True)
            elif as_json:
                click.echo(json.dumps(item.document))
            elif is_for_programs:
                print_row(event_row(item.event))
            else:
                row = zip(event_row(item.event), WIDTHS, strict=True)
                cells = (f"{printable(cell):<{width}}" for cell, width in row)
                click.echo("  ".join(cells).rstrip())


def _show_findings(client: NodeClient, query: Mapping[str, object], limit: int, *, as_json: bool) -> None:
    times = {"since_unix", "until_unix"}
    others = [f"--{name}" for name, value in query.items() if value is not None and name not in times]
    if others:
        raise click.UsageError(
            f"--findings cannot be combined with {', '.join(others)}, only with --since, --until and --limit"
        )
    asked = {name: query[name] for name in times} | {"limit": min(limit, MOST_FINDINGS)}
    answer = history_pages.get(client, history_pages.FINDINGS_PATH, asked)
    if as_json:
        print_json(answer.document)
        return
    from nocarrier.web.views import PastFindingsView  # noqa: PLC0415 - loaded once there is an answer

    view = answer.read(PastFindingsView)
    columns = ("began", "lasted", "how it ended", "severity", "finding", "last summary")
    print_table(columns, map(_finding_row, view.findings), whole=2)
    active = "Findings active in that period" if view.findings else "No findings were active in that period"
    print_note(f"{active} ({covered(view.cover)}).")


def _finding_row(past: PastFindingView) -> tuple[object, ...]:
    return (
        clock_time(past.began_unix),
        "" if past.ended_unix is None else span(past.ended_unix - past.began_unix),
        ended_in_words(past.ended_by),
        past.worst_severity,
        past.finding.code,
        past.finding.summary,
    )


def ended_in_words(ended_by: EndedBy | None) -> str:
    """How a finding ended; None means that it has not."""
    return "still active" if ended_by is None else ENDED_BY.get(ended_by, ended_by)


def covered(cover: Coverage) -> str:
    """Such as: all history, since 3 Nov 10:12."""
    since = f", since {day_and_time(cover.since_unix)}" if cover.since_unix is not None else ", which is empty"
    return printable(cover.covers) + since
