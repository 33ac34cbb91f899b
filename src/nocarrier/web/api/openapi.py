"""The OpenAPI 3.1 document, made from the table of routes and the types it names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import is_dataclass
from http import HTTPStatus
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from nocarrier.model.evidence import EVIDENCE_KEYS
from nocarrier.model.fault import Evidence
from nocarrier.web.api.guard import is_open
from nocarrier.web.api.problems import MEDIA_TYPE, phrase_of
from nocarrier.web.api.routes import ApiRoute
from nocarrier.web.views import Problem

PROBLEMS_OF_ALL = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR)
"""Statuses with which the guard, or a bug in nocarrier, can answer any request."""


def openapi_document(routes: Sequence[ApiRoute], version: str) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1.0, JSON Schema 2020-12)."""
    answers = answers_of(routes)
    types = [*answers, *(route.body for route in routes if route.body is not None)]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}", schema_hook=_schema_of_other
    )
    for whole in _whole(answers):
        _require_all(components[whole])
    _describe_evidence(components[Evidence.__name__])
    for component in components.values():
        if "description" in component:  # a docstring; only Python 3.13 and later strip its indentation
            component["description"] = inspect.cleandoc(component["description"])
    # Looked up by repr: some types, such as dict[str, Any], cannot be keys.
    schema_of = {repr(wanted): schema for wanted, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nocarrier",
            "version": version,
            "summary": "Explains why your peer-to-peer connections fail.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}, {}],
    }


def answers_of(routes: Sequence[ApiRoute]) -> list[Any]:
    """Return the types of all JSON answers and of all messages of streams."""
    answers = [answer for route in routes for answer in route.answers.values() if answer is not None]
    return [Problem, *answers, *(message for route in routes for message in route.messages.values())]


def _whole(answers: Sequence[Any]) -> set[str]:
    """Return the names of the classes in `answers` that are encoded with all their fields: all but dictionaries."""
    return {kind.__name__ for kind in classes_in(answers) if is_dataclass(kind)}


def classes_in(types: Iterable[Any]) -> set[type]:
    """Return every class with fields that values of `types` contain, at any depth."""
    found: set[type] = set()
    waiting = list(types)
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        is_ours = isinstance(kind, type) and get_origin(kind) is None and kind.__module__.startswith("nocarrier.")
        if is_ours and kind not in found and (fields := get_type_hints(kind)):
            found.add(kind)
            waiting += fields.values()
    return found


def _require_all(component: dict[str, Any]) -> None:
    """Declare all fields of an answer as required: none is ever left out, although some have a default in Python."""
    component["required"] = list(component["properties"])
    for field in component["properties"].values():
        field.pop("default", None)


def _describe_evidence(component: dict[str, Any]) -> None:
    component["additionalProperties"] = True  # an embedding program may add keys of its own
    for row in EVIDENCE_KEYS:
        component["properties"][row.key]["description"] = row.meaning


def _schema_of_other(wanted: type) -> dict[str, Any]:
    """Return the schema of `object`: the two values in evidence of a mismatch can be anything."""
    if wanted is object:
        return {"description": "Any value."}
    raise NotImplementedError


def _operation(route: ApiRoute, schema_of: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*_path_parameters(route.path), *_query_parameters(route)],
        "responses": {
            **{
                str(int(status)): _response(status, "application/json", schema_of[repr(answer)])
                if answer is not None
                else _response(status, route.media_type, {"type": "string"})
                for status, answer in route.answers.items()
            },
            **{
                str(int(status)): _response(status, MEDIA_TYPE, schema_of[repr(Problem)])
                for status in (*route.problems, *PROBLEMS_OF_ALL)
            },
        },
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[repr(route.body)]}},
        }
    if route.messages:  # OpenAPI 3.1 cannot describe a stream of messages
        operation["x-messages"] = {name: schema_of[repr(wanted)] for name, wanted in route.messages.items()}
    if is_open(route.path):
        operation["security"] = []
    return operation


def _query_parameters(route: ApiRoute) -> list[dict[str, Any]]:
    return [_parameter(field) for field in msgspec.structs.fields(route.query)] if route.query is not None else []


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "description": "Name of a file.", "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _response(status: HTTPStatus, media_type: str, schema: Any) -> dict[str, Any]:
    return {"description": phrase_of(status), "content": {media_type: {"schema": schema}}}


def _parameter(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    schemas, components = msgspec.json.schema_components([field.type])
    # A query cannot contain null; leaving the parameter out means the same.
    options = [option for option in schemas[0].get("anyOf", schemas) if option != {"type": "null"}]
    schema = dict(options[0])
    description = schema.pop("description")
    written: dict[str, Any] = {}
    if schema.get("type") == "array":
        schema["items"] = _in_full(schema["items"], components)
        written = {"style": "form", "explode": False}  # separated by commas
    schema = _in_full(schema, components)
    if field.default is not None:
        schema["default"] = field.default
    return {
        "name": field.name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
        **written,
    }


def _in_full(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Replace a reference to an enumeration by its values, so that they are listed at the parameter itself."""
    if "$ref" not in schema:
        return schema
    return {"type": "string", "enum": components[schema["$ref"].rpartition("/")[2]]["enum"]}
