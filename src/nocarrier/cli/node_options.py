"""The options that say which node a verb asks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from nocarrier.client.node_client import DEFAULT_URL, NodeClient


def asks_node(verb: Callable[..., None]) -> Callable[..., None]:
    """Adds `--url`, `--token` and `--json` to a verb, which is called with `client` and `as_json` instead."""
    return names_node(click.option("--json", "as_json", is_flag=True, help="Print the node's answer as JSON.")(verb))


def names_node(verb: Callable[..., None]) -> Callable[..., None]:
    """Adds `--url` and `--token` to a verb, which is called with `client` instead."""

    @click.option(
        "--url",
        envvar="NOCARRIER_URL",
        default=DEFAULT_URL,
        show_default=True,
        help="The node to ask; or set NOCARRIER_URL.",
    )
    @click.option("--token", envvar="NOCARRIER_TOKEN", help="The node's token; better set as NOCARRIER_TOKEN.")
    @functools.wraps(verb)
    def asking(*args: Any, url: str, token: str | None, **kwargs: Any) -> None:
        verb(*args, client=NodeClient(url, token), **kwargs)

    return asking
