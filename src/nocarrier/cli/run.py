"""`nocarrier run`: a node, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import click

from nocarrier.app.node import running, until_told_to_stop
from nocarrier.cli.render.text import printable
from nocarrier.config import Settings, load, setting_table
from nocarrier.errors import ConfigError


def _with_setting_flags(command: Callable[..., None]) -> Callable[..., None]:
    """One flag for each setting; flags override the environment, which overrides the file."""
    for setting in reversed(setting_table()):
        name = f"{setting.section}__{setting.key}"
        command = click.option(setting.flag, name, metavar=setting.type.upper(), help=setting.meaning)(command)
    return command


@click.command()
@click.option("--config", type=click.Path(exists=True, path_type=Path), help="TOML file with the settings.")
@click.option("--verbose", is_flag=True, help="Log debugging messages too.")
@_with_setting_flags
def run(config: Path | None, verbose: bool, **flags: str | None) -> None:
    """Run a node until Ctrl-C or SIGTERM."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    given = {name.replace("__", "."): value for name, value in flags.items()}
    try:
        settings = load(config, environ=os.environ, flags=given)
    except ConfigError as error:
        if error.flag is not None:
            raise click.UsageError(printable(error)) from error
        raise
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    async with running(settings) as app:
        info = app.node.info()
        host = settings.node.p2p_listen.rpartition(":")[0]
        click.echo(f"node {info.node_id}")
        click.echo(f"listens for peers on {host}:{info.p2p_port}")
        click.echo(f"the page: {app.url}/")
        if not settings.node.seeds and not len(app.node.book):
            click.echo("no peers are known: set seeds under [node], or dial a peer with: nocarrier connect HOST:PORT")
        await until_told_to_stop()
        click.echo("stopping: saying goodbye to peers and saving the peer book")
