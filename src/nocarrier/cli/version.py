"""`nocarrier version`."""

from __future__ import annotations

import click

from nocarrier import __version__


@click.command
def version() -> None:
    """Show the version."""
    click.echo(f"nocarrier {__version__}")
