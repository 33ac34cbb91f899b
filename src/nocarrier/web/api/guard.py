"""Decides which requests may pass, before any route is reached.

- With a token, every request must carry it, except for `/healthz` and `/readyz`, which reveal nothing, and for the
  files of the page, which asks for the token.
- Without a token, the API is for this machine only, and the `Host` header must name this machine. Otherwise a web page
  could point a name of its own at 127.0.0.1 and read the answers (DNS rebinding). The port is not checked: the check
  would add no protection, because the attacker's host name already gives the attack away, and it would break port
  forwarding. With a token any host is allowed, because such a page does not know the token; `allowed_hosts` makes this
  stricter.
- Writes must come from the same origin. Browsers say where a request comes from (Fetch Metadata, RFC 6454).
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
"""As written in a Host header."""

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/"})
"""Paths that need no token: for health checks of orchestrators, which have none, and for the page, which asks for
it."""

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
"""Headers that the page and its files set themselves."""


class Guard:
    """Passes allowed requests on to `app`, and adds security headers to every answer.

    Args:
        app: the application to guard.
        token: the secret that requests must carry; None or empty: no token is needed.
        allowed_hosts: host names, without a port, that a Host header may have besides those of this machine.
            None: any host if there is a token, otherwise only those of this machine.
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
                "The Host header does not name this machine. "
                "Use 127.0.0.1 or localhost, or add the name to allowed_hosts."
            )
        if self._token is not None and not self._bears_token(headers) and not is_open(_path(scope)):
            return HTTPStatus.UNAUTHORIZED, (
                "Send the token that is set under [http]: Authorization: Bearer TOKEN; with the CLI: --token TOKEN."
            )
        if scope["method"] not in READING_METHODS and not _is_same_origin(headers, host):
            return HTTPStatus.FORBIDDEN, (
                "Web pages from another origin may not send this request. Use the node's own page, or the command line."
            )
        return None

    def _bears_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        assert self._token is not None
        # Compared in constant time, so that the duration does not reveal how much of a guess is right.
        matches = hmac.compare_digest(given.strip().encode(errors="replace"), self._token)
        return scheme.lower() == "bearer" and matches


def is_open(path: str) -> bool:
    """Whether `path` reveals nothing about the node and so needs no token."""
    return path in OPEN_PATHS or path.startswith(ASSETS)


def _path(scope: Scope) -> str:
    """Return the path relative to where the application is mounted."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().removesuffix(".")


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Whether the browser says that the request comes from the node's own page. Other clients send no such headers."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    # The scheme is not compared: behind a proxy that terminates TLS the server does not know its own.
    return origin is None or origin.partition("://")[2].lower() == host.lower()
