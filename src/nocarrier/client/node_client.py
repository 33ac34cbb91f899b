"""Asks a node over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from nocarrier.client.answer import NodeAnswer
from nocarrier.errors import NocarrierError, NodeUnreachableError, RequestRefusedError

DEFAULT_URL = "http://127.0.0.1:7070"

TIMEOUT_S = 10.0
"""Every answer but the one to a dial comes at once."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Far more than the failures of a full tracker take; a node never sends more."""

STREAM_CHUNK_BYTES = 64 * 1024
"""Most bytes of a stream that are read at once."""


class NodeClient:
    """Asks the node at `url`. Neither follows redirects nor uses a proxy, so the token goes to that host alone.

    Args:
        url: of the node; without a scheme it means http.
        token: the node's token; None: it has none.

    Attributes:
        url: of the node.
        host: of the node.
        clock_ahead_s: how far its clock is ahead of ours by its newest answer, accurate to a second or two (RFC 9110
            section 6.6.1); None: unknown.

    Raises:
        NodeUnreachableError: `url` is not a URL.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self.url = (url if "://" in url else f"http://{url}").rstrip("/")
        self._token = token
        try:
            parts = urlsplit(self.url)
            scheme, host, self._port, self._base_path = parts.scheme, parts.hostname, parts.port, parts.path
        except ValueError:  # such as a port out of range
            scheme, host = "", None
        if scheme not in {"http", "https"} or not host:
            raise NodeUnreachableError(f"{url!r} is not the URL of a node; write it like {DEFAULT_URL}")
        self._is_tls = scheme == "https"
        self.host = host
        self.clock_ahead_s: float | None = None

    def get(self, path: str, query: Mapping[str, object] | None = None) -> NodeAnswer:
        """The answer to a GET; a `query` value of None is left out.

        Raises:
            NodeUnreachableError: no node answers there, or it does not accept the token.
            RequestRefusedError: the node refuses the request.
        """
        given = {key: value for key, value in (query or {}).items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, None, TIMEOUT_S)

    def post(self, path: str, body: object, timeout_s: float) -> NodeAnswer:
        """The answer to a POST of `body` as JSON; raises as `get`."""
        return self._ask("POST", path, json.dumps(body).encode(), timeout_s)

    @contextlib.contextmanager
    def stream(self, path: str, headers: Mapping[str, str], silence_s: float) -> Iterator[Iterator[bytes]]:
        """An answer without an end, as it arrives; raises as `get`, also if it breaks off.

        Args:
            path: of a route that answers with server-sent events.
            headers: in addition to the usual ones.
            silence_s: after this long without a byte, the stream has broken off.
        """
        with self._response("GET", path, None, {"Accept": "text/event-stream", **headers}, silence_s) as response:
            kind = response.headers.get_content_type()
            if response.status != HTTPStatus.OK or kind != "text/event-stream":
                self._document(response.status, response.read(MAX_ANSWER_BYTES + 1))
                raise NodeUnreachableError(
                    f"{self.url}{path} answers with {kind} instead of a stream; upgrade the node"
                )
            yield iter(lambda: response.read1(STREAM_CHUNK_BYTES), b"")

    def answer(self, path: str, document: dict[str, Any]) -> NodeAnswer:
        """`document` as an answer to a request for `path`; a message of a stream is one too."""
        return NodeAnswer(document, f"{self.url}{path.partition('?')[0]}", self._version)

    def _version(self) -> str | None:
        """The version that the node states, for an error message; never raises."""
        try:
            info = self.get("/openapi.json").document.get("info")
        except NocarrierError:
            return None
        version = info.get("version") if isinstance(info, dict) else None
        return version if isinstance(version, str) else None

    def _ask(self, method: str, path: str, body: bytes | None, timeout_s: float) -> NodeAnswer:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with self._response(method, path, body, headers, timeout_s) as response:
            answer = response.read(MAX_ANSWER_BYTES + 1)
        return self.answer(path, self._document(response.status, answer))

    @contextlib.contextmanager
    def _response(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        bearer = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        connection = self._connection(timeout_s)
        try:
            connection.request(method, self._base_path + path, body, {**headers, **bearer})
            response = connection.getresponse()
            self.clock_ahead_s = _clock_ahead_s(response.headers.get("date"))
            yield response
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NodeUnreachableError(
                f"no node answers at {self.url} ({_why(error)}); start one with: nocarrier run, or set --url"
            ) from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._is_tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self.host, self._port, timeout=timeout_s, context=context)
        return http.client.HTTPConnection(self.host, self._port, timeout=timeout_s)

    def _document(self, status: int, answer: bytes) -> dict[str, Any]:
        try:
            document = json.loads(answer) if len(answer) <= MAX_ANSWER_BYTES else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise NodeUnreachableError(
                f"{self.url} answers, but not like a node (status {status}); set --url to a node's HTTP address"
            )
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return document
        detail = str(document.get("detail", f"status {status}"))
        if status == HTTPStatus.UNAUTHORIZED:
            wrong = "does not accept this token; check" if self._token else "needs a token; set"
            raise NodeUnreachableError(f"{self.url} {wrong} --token or NOCARRIER_TOKEN")
        if status == HTTPStatus.FORBIDDEN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NodeUnreachableError(f"{self.url} refuses: {detail}")
        raise RequestRefusedError(detail, status)


def _clock_ahead_s(date: str | None) -> float | None:
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):  # not a date, or not one that this system can represent
        return None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
