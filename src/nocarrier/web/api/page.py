"""The page and its assets: read once, and compressed for clients that accept it."""

from __future__ import annotations

import gzip
import html
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

INDEX = "index.html"

ASSETS = "/assets/"
"""Path of the page's scripts and styles. They contain nothing that needs a token."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""Content Security Policy of the page: it loads only its own files, and no text ever becomes a script or markup."""

FOREVER = "public, max-age=31536000, immutable"
"""For assets, whose names change with their content. RFC 2616 allowed at most a year; RFC 9111 has no limit."""

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Types of all files of a built page. This machine's own table is not used: it may lack JavaScript, and browsers refuse
a script of any other type (nosniff)."""

TO_BUILD_IT = "Run make page in the checkout (it says what it needs), and restart the node."


class Row(Protocol):
    """A route, as far as the list of routes shows it."""

    @property
    def method(self) -> str:
        """The HTTP method, such as GET."""

    @property
    def path(self) -> str:
        """The path relative to where the application is mounted."""

    @property
    def summary(self) -> str:
        """One sentence that says what the route does."""


class _File(NamedTuple):
    media_type: str
    body: bytes
    zipped: bytes


class Page:
    """The files of the built page.

    Args:
        folder: where the page was built; it may not exist.
        routes: listed if there is no page.
    """

    def __init__(self, folder: Path, routes: Iterable[Row]) -> None:
        self._files = {name: _read(path) for name, path in _built(folder)}
        self._without = _how_to_build(routes)

    def index(self, request: Request) -> Response:
        """Return the page, or how to build it if it was not built."""
        file = self._files.get(INDEX)
        if file is None:
            return Response(self._without, media_type="text/html")
        return _response(request, file, {"content-security-policy": POLICY, "cache-control": "no-cache"})

    def asset(self, request: Request, name: str) -> Response:
        """Return a file of the page.

        Raises:
            HTTPException: 404, there is no file of that name.
        """
        file = self._files.get(f"assets/{name}")
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "The page has no such file; reload the page.")
        return _response(request, file, {"cache-control": FOREVER})


def _built(folder: Path) -> Iterable[tuple[str, Path]]:
    for path in (folder / INDEX, *sorted((folder / "assets").glob("*"))):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _read(path: Path) -> _File:
    body = path.read_bytes()
    media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return _File(media_type, body, gzip.compress(body, mtime=0))


def _response(request: Request, file: _File, headers: dict[str, str]) -> Response:
    headers = {**headers, "vary": "accept-encoding"}
    if not _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.body, media_type=file.media_type, headers=headers)
    return Response(file.zipped, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})


def _takes_gzip(accepted: str) -> bool:
    """Whether the header Accept-Encoding names gzip with a weight above 0 (RFC 9110, section 12.5.3)."""
    for each in accepted.lower().split(","):
        name, _, weight = each.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or weight == ""
    return False


def _how_to_build(routes: Iterable[Row]) -> bytes:
    # Links are relative, so that they work wherever the application is mounted.
    rows = "".join(
        f'<li><code>{row.method}</code> <a href=".{row.path}">{row.path}</a> {html.escape(row.summary)}</li>'
        for row in routes
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>nocarrier</title>'
        f"<h1>nocarrier</h1><p>The page was not built. {TO_BUILD_IT}</p><p>The API works:</p><ul>{rows}</ul></html>"
    ).encode()
