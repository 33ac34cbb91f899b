"""The options that say which node a verb asks."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import click

from nocarrier.cli.render.text import printable
from nocarrier.client.node_client import DEFAULT_URL, NodeClient
from nocarrier.errors import RequestRefusedError
from nocarrier.model.taxonomy import Kind, Phase, Reason, Source
from nocarrier.model.wording.word import Word

_TABLES: dict[str, type[Word]] = {"reason": Reason, "source": Source, "kind": Kind, "phase": Phase}
"""Options that take words of a table."""


@contextlib.contextmanager
def mistyped_words_told(query: Mapping[str, object]) -> Iterator[None]:
    """Within the block, tell of a filter that the node refuses by the name of its option, with words that are near.

    The node decides, and not this program, as a newer node knows more words.

    Args:
        query: the filters by the names of their options, without dashes; several words are separated by commas.

    Raises:
        click.UsageError: the node refuses a filter.
    """
    try:
        yield
    except RequestRefusedError as error:
        if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        for option, table in _TABLES.items():
            for word in str(query.get(option) or "").split(","):
                if word and word not in list(table):
                    from nocarrier.model.wording.nearest import did_you_mean  # noqa: PLC0415 - loaded only for a mistyped word

                    known = "List all with: nocarrier explain"
                    meant = did_you_mean(word, [each.value for each in table], known)
                    raise click.UsageError(f"--{option}: there is no {option} {printable(word)!r}. {meant}") from error
        raise click.UsageError(printable(error)) from error


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
        help="The node to ask; NOCARRIER_URL changes the default.",
    )
    @click.option("--token", envvar="NOCARRIER_TOKEN", help="The node's token; safer in NOCARRIER_TOKEN.")
    @functools.wraps(verb)
    def asking(*args: Any, url: str, token: str | None, **kwargs: Any) -> None:
        verb(*args, client=NodeClient(url, token), **kwargs)

    return asking
