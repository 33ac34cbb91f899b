"""Decides who may ask, before any route is reached.

- With a token, every request must bear it, except for `/healthz` and `/readyz`, which tell nothing,
  and for the files of the page, which asks for the token.
- Without one, the API is for this machine, and the `Host` must be a name of this machine: else a web page could point
  a name of its own to 127.0.0.1 and read along (DNS rebinding). The port is not looked at: it protects from nothing,
  as the attacker's name is what gives him away, and it would break port forwarding. With a token any host is fine, as
  such a page does not know the token; `allowed_hosts` makes it stricter.
- Writes must come from the same origin: a browser says where they come from (Fetch Metadata, RFC 6454).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nocarrier.web.api.page import ASSETS
from nocarrier.web.api.problems import problem_response

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""As they stand in a Host header."""

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/"})
"""For probes of orchestrators, which have no token, and for the page, which asks for it."""

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_RAW_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

_OF_THE_PAGE = frozenset({b"content-security-policy", b"cache-control"})
"""What the page and its files bring of their own."""


class Guard:
    """Lets through to `app` what may pass, and adds security headers to every answer.

    Args:
        app: what is guarded.
        token: secret that requests must bear; None or empty: none is asked for.
        allowed_hosts: host names, without port, that a request may be addressed to, besides those of this machine.
            None: any host where there is a token, else only those of this machine.
    """

    def __init__(self, app: ASGIApp, *, token: str | None = None, allowed_hosts: Iterable[str] | None = None) -> None:
        self._app = app
        self._token = token.encode() if token else None
        self._any_host = bool(token) and allowed_hosts is None
        self._hosts = LOCAL_HOSTS | {host.lower() for host in allowed_hosts or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                own = {name for name, _ in given if name in _OF_THE_PAGE}
                message["headers"] = [*given, *(header for header in _RAW_SECURITY_HEADERS if header[0] not in own)]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
            return
        status, detail = refusal
        response = problem_response(status, detail)
        if status == HTTPStatus.UNAUTHORIZED:
            MutableHeaders(raw=response.raw_headers)["www-authenticate"] = "Bearer"
        await response(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._any_host and _without_port(host) not in self._hosts:
            return HTTPStatus.FORBIDDEN, (
                "The Host header names another host than this machine. "
                "Use 127.0.0.1 or localhost, or add the name to allowed_hosts."
            )
        if self._token is not None and not self._bears_token(headers) and not is_open(_path(scope)):
            return HTTPStatus.UNAUTHORIZED, (
                "Send the token that is set under [http]: Authorization: Bearer TOKEN; with the CLI: --token TOKEN."
            )
        if scope["method"] not in READING_METHODS and not _is_same_origin(headers, host):
            return HTTPStatus.FORBIDDEN, "A page of another origin may not write here; send the request from elsewhere."
        return None

    def _bears_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        assert self._token is not None
        # Compared in constant time, so that the time tells nothing about how much of a guess is right.
        matches = hmac.compare_digest(given.strip().encode(errors="replace"), self._token)
        return scheme.lower() == "bearer" and matches


def is_open(path: str) -> bool:
    """Whether `path` tells nothing of the node, so that it needs no token."""
    return path in OPEN_PATHS or path.startswith(ASSETS)


def _path(scope: Scope) -> str:
    """The path below the one that the application is mounted at."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().removesuffix(".")


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Whether a browser says that the request comes from our own page; who is no browser says nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    # The scheme is not compared: behind a proxy that ends TLS we do not know ours.
    return origin is None or origin.partition("://")[2].lower() == host.lower()
