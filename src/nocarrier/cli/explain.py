"""`nocarrier explain NAME`."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import asdict

import click

from nocarrier.cli.text import printable
from nocarrier.model.taxonomy import Reason
from nocarrier.views.reasons import reason_view


@click.command
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(name: str, *, as_json: bool) -> None:
    """Explain the reason NAME: what was seen, what is behind it most often, and what to do. Needs no node."""
    known = {reason.value: reason for reason in Reason}
    reason = known.get(name.strip().lower().replace("-", "_"))
    if reason is None:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        meant = f"near to it are {', '.join(near)}" if near else f"there are {', '.join(known)}"
        click.echo(f"There is no reason {printable(name)!r}; {meant}.", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(asdict(reason_view(reason)), indent=2))
        return
    blame = " or ".join(reason.blames) + (", decided by evidence" if len(reason.blames) > 1 else "")
    click.echo(
        f"{reason}\n"
        f"  meaning:     {reason.meaning}\n"
        f"  usual cause: {reason.usual_cause}\n"
        f"  next step:   {reason.next_step}\n"
        f"  phase {reason.phase}, kind {reason.kind}, blame {blame}, retry {reason.retry}"
    )
