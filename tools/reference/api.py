"""The page of the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nocarrier.web.api.openapi import PROBLEMS_OF_ALL, answers_of, classes_in, openapi_document
from nocarrier.web.api.routes import ROUTES
from reference.field_meanings import meanings_of_fields
from reference.markdown import generated_from, table, toml


def api() -> Iterator[str]:
    """Routes with parameters, bodies and answers, then the fields of every type they use."""
    document = openapi_document(ROUTES, version="")
    yield generated_from("src/nocarrier/web/api/routes.py and the types it names")
    yield "# HTTP API"
    yield (
        "The same as a machine-readable document: `GET /openapi.json`. Every error is a problem document (RFC 9457) "
        "whose `detail` says what to change."
    )
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    common = {str(int(status)) for status in PROBLEMS_OF_ALL}
    yield f"Every route may also answer {', '.join(sorted(common))} with [Problem](#problem)."
    yield table(("route", "answers"), ((f"`{method} {path}`", it["summary"]) for method, path, it in operations))
    for method, path, operation in operations:
        yield from _operation(f"{method} {path}", operation, common)
    yield "## Types"
    yield "A field that is `null` is not known, or does not apply. No field is ever left out, except in `Evidence`."
    meanings = {kind.__name__: meanings_of_fields(kind) for kind in classes_in(answers_of(ROUTES))}
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _kind(name, schema, meanings.get(name, {}))


def _operation(name: str, operation: dict[str, Any], common: set[str]) -> Iterator[str]:
    yield f"## {name}"
    yield operation["summary"]
    if operation.get("parameters"):
        yield table(("parameter", "type", "default", "meaning"), map(_parameter, operation["parameters"]))
    if "x-messages" in operation:
        messages = operation["x-messages"].items()
        yield table(("server-sent event", "data"), ((f"`{event}`", _type(schema)) for event, schema in messages))
    if "requestBody" in operation:
        yield f"Body: {_type_of_content(operation['requestBody'])}"
    yield table(
        ("status", "answer"),
        (
            (status, f"{response['description']}: {_type_of_content(response)}")
            for status, response in sorted(operation["responses"].items())
            if status not in common
        ),
    )


def _kind(name: str, schema: dict[str, Any], meanings: Mapping[str, str]) -> Iterator[str]:
    yield f"### {name}"
    if "description" in schema:
        yield schema["description"].partition("\n\n")[0].replace("\n", " ")
    if "enum" in schema:
        yield ", ".join(f"`{value}`" for value in schema["enum"])
    elif schema.get("properties"):
        yield table(
            ("field", "type", "meaning"),
            (
                (f"`{field}`", _type(of), meanings.get(field) or of.get("description", ""))
                for field, of in schema["properties"].items()
            ),
        )


def _parameter(parameter: dict[str, Any]) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = f"`{toml(schema['default'])}`" if "default" in schema else ""
    return f"`{parameter['name']}`", _type(schema), default, parameter["description"]


def _type_of_content(has_content: dict[str, Any]) -> str:
    return ", ".join(
        f"{_type(content['schema'])} as `{media_type}`" for media_type, content in has_content["content"].items()
    )


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array" and "enum" in schema.get("items", {}):
        return "any of " + ", ".join(f"`{value}`" for value in schema["items"]["enum"]) + ", separated by commas"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))
