"""`nocarrier history`: what is kept over restarts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import click

from nocarrier.cli.history.follow import Notice, follow_history
from nocarrier.cli.render.event_row import COLUMNS, WIDTHS, event_row
from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import clock_time, duration, print_table, printable
from nocarrier.cli.render.times import Moment, day_and_time
from nocarrier.client import history_pages
from nocarrier.client.answers import Event, read_as
from nocarrier.client.node_client import NodeClient, asks_node

MOST_EVENTS = 100_000
"""A page of the history takes some 20 ms, so this takes seconds."""

MOST_FINDINGS = 1_000
"""The most that a node gives."""

_USUAL_KINDS = ",".join(history_pages.USUAL_KINDS)

_ENDED = {"cleared": "its evidence was gone", "stopped": "the node was stopped", "crashed": "the node crashed"}


@click.command
@click.option("--since", "since_unix", type=Moment(), help="Only the last 90s, 5m, 24h or 7d, or from this date on.")
@click.option("--until", "until_unix", type=Moment(), help="Only before that, written likewise.")
@click.option("--reason", help="Only this reason, such as timeout.")
@click.option("--source", help="Only addresses that came from here, such as seed.")
@click.option("--kind", help="Only these, with commas: started, succeeded, failure, cancelled, skip, disconnect.")
@click.option("--phase", help="Only what ended in this phase, such as handshake.")
@click.option("--addr", help="Only this address.")
@click.option("--via", help="Only addresses that this peer told us.")
@click.option("--limit", type=click.IntRange(1, MOST_EVENTS), default=100, show_default=True, help="At most so many.")
@click.option("--findings", is_flag=True, help="Findings of the past instead, with beginning and end.")
@click.option("--follow", is_flag=True, help="Oldest first, and go on with each event as it happens, until Ctrl-C.")
@asks_node
def history(client: NodeClient, *, as_json: bool, limit: int, findings: bool, follow: bool, **query: object) -> None:
    """Show how dials ended, over restarts of the node, newest first.

    Dials that policy kept from starting, and beginnings of dials, are left out unless --kind, --reason or --phase asks
    for them.
    """
    if follow and (findings or query["until_unix"] is not None):
        raise click.UsageError("--follow goes with neither --findings nor --until")
    if not findings and not any(query[name] for name in ("kind", "reason", "phase")):
        query["kind"] = _USUAL_KINDS
    if findings:
        _show_findings(client, query, limit, as_json=as_json)
    elif follow:
        _follow(client, query, limit, as_json=as_json)
    else:
        _show_events(client, query, limit, as_json=as_json)


def _show_events(client: NodeClient, query: Mapping[str, object], limit: int, *, as_json: bool) -> None:
    with progress("reading the history") as tell:
        found = history_pages.read_events(client, query, limit, tell)
    if as_json:
        click.echo(json.dumps(found._asdict(), indent=2))
        return
    if found.events:
        print_table(COLUMNS, (event_row(read_as(Event, event)) for event in found.events), whole=3)
    number = f"All {len(found.events)}" if found.is_complete else f"The newest {len(found.events)}"
    matching = f"{number} that match" if found.events else "No event matches"
    left_out = " Skips are left out: --kind skip shows them." if query["kind"] == _USUAL_KINDS else ""
    click.echo(f"{matching}, of {covered(found.cover)}.{left_out}")


def _follow(client: NodeClient, query: Mapping[str, object], limit: int, *, as_json: bool) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        for event in follow_history(client, query, limit):
            if isinstance(event, Notice):
                click.echo(f"-- {printable(event.text)} --", err=True)
            elif as_json:
                click.echo(json.dumps(event))
            else:
                row = zip(event_row(read_as(Event, event)), WIDTHS, strict=True)
                cells = (f"{printable(cell):<{width}}" for cell, width in row)
                click.echo("  ".join(cells).rstrip())


def _show_findings(client: NodeClient, query: Mapping[str, object], limit: int, *, as_json: bool) -> None:
    times = {"since_unix", "until_unix"}
    others = [f"--{name}" for name, value in query.items() if value is not None and name not in times]
    if others:
        raise click.UsageError(f"--findings goes with --since, --until and --limit, and not with {', '.join(others)}")
    asked = {name: query[name] for name in times} | {"limit": min(limit, MOST_FINDINGS)}
    answer = history_pages.get(client, history_pages.FINDINGS_PATH, asked)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    if answer["findings"]:
        columns = ("began", "lasted", "how it ended", "severity", "finding", "what it said last")
        print_table(columns, map(_finding_row, answer["findings"]), whole=2)
    stood = "Findings that stood in that time" if answer["findings"] else "No finding stood in that time"
    click.echo(f"{stood}, of {covered(answer['cover'])}.")


def _finding_row(past: Mapping[str, Any]) -> tuple[object, ...]:
    ended_unix = past["ended_unix"]
    return (
        clock_time(past["began_unix"]),
        "" if ended_unix is None else duration(ended_unix - past["began_unix"]),
        ended_in_words(past["ended_by"]),
        past["worst_severity"],
        past["finding"]["code"],
        past["finding"]["summary"],
    )


def ended_in_words(ended_by: object) -> str:
    """How a finding ended, by the word of the API; None: it stands."""
    return "it stands" if ended_by is None else _ENDED.get(str(ended_by), str(ended_by))


def covered(cover: Mapping[str, Any]) -> str:
    """Such as: all history, since 3 Nov 10:12."""
    since = f", since {day_and_time(cover['since_unix'])}" if cover["since_unix"] is not None else ", which is empty"
    return printable(cover["covers"]) + since
