"""Reads query parameters and JSON bodies of requests into their types, within limits."""

from __future__ import annotations

import asyncio
import functools
import re
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from nocarrier.model.action import DEFAULT_URL, ProgramKind
from nocarrier.model.wording.nearest import did_you_mean
from nocarrier.web.api.input.questions import RedactQuery
from nocarrier.web.views import Reader

MAX_BODY_BYTES = 16 * 1024
"""More than enough: the longest valid body, an address in JSON, has about 300 bytes."""

BODY_TIMEOUT_S = 10.0
"""How long a body of that size may take to arrive."""

SHOWN_LENGTH = 80
"""How many characters of a wrong value an error repeats."""

PROBLEMS_OF_A_QUERY = (HTTPStatus.UNPROCESSABLE_ENTITY,)
"""Statuses that `read_query` can raise."""

PROBLEMS_OF_A_BODY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
"""Statuses that `read_body` can raise."""

_USUAL_URL = re.compile(
    r"https?://[\w.-]+(?::\d{1,5})?(?:/[\w./~-]*)?|https?://\[[0-9A-Fa-f:.]+\](?::\d{1,5})?(?:/[\w./~-]*)?"
)

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def reader_of(request: Request, query: object, program: ProgramKind) -> Reader:
    """Return the reader that the answer to `request` is made for.

    Args:
        request: commands in next actions use its URL, unless its Host header is unusual.
        query: its query, as read by `read_query`.
        program: the kind of program that this API describes.
    """
    url = str(request.base_url).rstrip("/")
    return Reader(
        program=program,
        url=url if _USUAL_URL.fullmatch(url) else DEFAULT_URL,
        is_masked=isinstance(query, RedactQuery) and query.redact,
    )


def read_query(request: Request, wanted: type[_Struct]) -> _Struct:
    """Read the query parameters as `wanted`.

    The items of a list are separated by commas. An unknown parameter is refused, because with a mistyped filter the
    answer would silently contain everything.

    Raises:
        HTTPException: 422; its detail says which parameter is wrong, and what is allowed.
    """
    fields = _types_of(wanted)
    values: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in fields:
            known = f"Allowed are {', '.join(fields)}." if fields else "This route has no parameters."
            raise _unprocessable(f"Unknown query parameter {_shown(name)}. {did_you_mean(name, fields, known)}")
        if name in values:
            raise _unprocessable(f"Query parameter {name} is given twice; give it once.")
        try:
            text.encode()
            value = text.split(",") if _is_list(fields[name]) else text
            values[name] = msgspec.convert(value, fields[name], strict=False)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            what = _what_is_allowed(text, fields[name]) or f"{error}."
            raise _unprocessable(f"Query parameter {name} = {_shown(text)} is not allowed. {what}") from None
        if values[name] is None:  # the text null, which msgspec reads as None
            raise _unprocessable(f"Query parameter {name} = {_shown(text)} is not allowed. Leave it out.")
    return wanted(**values)


@functools.cache  # without it, reading the annotations takes longer than the rest of a request
def _types_of(wanted: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(wanted)}


async def read_body(request: Request, wanted: type[_Struct]) -> _Struct:
    """Read the JSON body as `wanted`.

    Raises:
        HTTPException: 415 not declared as JSON, 413 too large, 408 too slow, 400 not JSON, 422 wrong content.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON; send Content-Type: application/json."
        )
    body = await _read_bounded(request)
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        raise _unprocessable(f"{error}. Allowed are: {_described(wanted)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.") from None


async def _read_bounded(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            # Counted while it arrives: a chunked body does not state its length, and a client may lie about it.
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"The body is larger than {MAX_BODY_BYTES} bytes; send less.",
                        _last_words(request),
                    )
    except TimeoutError:
        raise HTTPException(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The body did not arrive within {BODY_TIMEOUT_S:g} s; send it without pauses.",
            _last_words(request),
        ) from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The connection ended before the body was complete.") from None
    return bytes(body)


def _last_words(request: Request) -> dict[str, str]:
    """Return headers that end the connection instead of waiting for the rest of the body. HTTP/2 does not need them."""
    return {"Connection": "close"} if request.scope["http_version"].startswith("1") else {}


def _unprocessable(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _shown(text: str) -> str:
    cut = text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"
    return ascii(cut)


def _described(wanted: type[msgspec.Struct]) -> str:
    return ", ".join(
        f"{field.name}{' (required)' if field.required else ''}" for field in msgspec.structs.fields(wanted)
    )


def _what_is_allowed(text: str, wanted: Any) -> str:
    """Say what `wanted` allows instead of `text`; empty if it allows any text."""
    allowed = _allowed_names(wanted)
    if not allowed:
        return ""
    given = text.split(",") if _is_list(wanted) else [text]
    unknown = next((each for each in given if each not in allowed), text)
    return did_you_mean(unknown, allowed, "GET /openapi.json lists what is allowed.")


def _allowed_names(wanted: Any) -> list[str]:
    """Return the names that a type such as ``Annotated[Reason, ...] | None`` allows; empty if it allows any text."""
    items = [each.item_type if isinstance(each, msgspec.inspect.VarTupleType) else each for each in _options(wanted)]
    names: list[str] = []
    for item in items:
        if isinstance(item, msgspec.inspect.EnumType):
            names += [member.value for member in item.cls]
        elif isinstance(item, msgspec.inspect.LiteralType):
            names += map(str, item.values)
    return names


@functools.cache
def _is_list(wanted: Any) -> bool:
    return any(isinstance(option, msgspec.inspect.VarTupleType) for option in _options(wanted))


def _options(wanted: Any) -> list[msgspec.inspect.Type]:
    """Return the types in a type such as ``Annotated[Reason, ...] | None``."""
    described = msgspec.inspect.type_info(wanted)
    options = described.types if isinstance(described, msgspec.inspect.UnionType) else (described,)
    return [option.type if isinstance(option, msgspec.inspect.Metadata) else option for option in options]
