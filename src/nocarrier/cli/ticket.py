"""`nocarrier ticket issue`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from nocarrier.cli.render.text import printable

SECONDS_PER_DAY = 86_400


@click.group
def ticket() -> None:
    """Make admission tickets for a private network."""


@ticket.command(name="issue")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="The issuer's private key, a PEM file.")
@click.option("--new-key", is_flag=True, help="Create the key first; an existing key is never replaced.")
@click.option("--node-id", required=True, help="Node to admit: 64 hex digits, `node.node_id` in its API.")
@click.option("--network", default="main", show_default=True, help="Network to admit it to.")
@click.option("--days", type=float, default=30.0, show_default=True, help="How many days the ticket is valid.")
@click.option("--json", "as_json", is_flag=True, help="Print the ticket and the admission key as JSON.")
def issue(key: Path, node_id: str, network: str, days: float, *, new_key: bool, as_json: bool) -> None:
    """Sign a ticket that admits one node to a network."""
    from nocarrier.sources.node.access import tickets  # noqa: PLC0415 - cryptography is loaded only to sign

    try:
        issuer_key = tickets.create_issuer_key(key) if new_key else tickets.load_issuer_key(key)
        signed = tickets.issue(
            issuer_key, node_id=node_id, network=network, now_unix=time.time(), valid_for_s=days * SECONDS_PER_DAY
        )
    except ValueError as error:
        raise click.ClickException(printable(error)) from error
    admission_key = tickets.admission_key_of(issuer_key)
    if as_json:
        click.echo(json.dumps({"ticket": signed, "admission_key": admission_key}))
        return
    # The ticket alone on standard output, so that it can go into a file or a variable.
    click.echo(f'On every node of the network, set under [node]: admission_key = "{admission_key}"', err=True)
    click.echo("On the node that is admitted, set this as ticket under [node]:", err=True)
    click.echo(signed)
