"""The document describes what the application does."""

from __future__ import annotations

import inspect
import json

import msgspec
import pytest
from starlette.routing import Route as StarletteRoute

from nocarrier import DialTracker, __version__, asgi_app
from nocarrier.web.api.openapi import openapi_document
from nocarrier.web.api.routes import ROUTES
from tests.web.api.http_client import get, post_json


@pytest.fixture(scope="module")
def document():
    return json.loads(msgspec.json.encode(openapi_document(ROUTES, __version__)))


def test_document_and_application_have_the_same_routes(document):
    app = asgi_app(DialTracker())._app._app
    served = {
        (route.path, method) for route in app.routes if isinstance(route, StarletteRoute) for method in route.methods
    }
    documented = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert served - {(path, "HEAD") for path, _ in served} == documented


def test_every_reference_leads_somewhere(document):
    def references(part):
        if isinstance(part, dict):
            yield from ([part["$ref"]] if "$ref" in part else [])
            part = list(part.values())
        for item in part if isinstance(part, list) else ():
            yield from references(item)

    found = set(references(document))
    assert found
    for reference in found:
        where = document
        for step in reference.removeprefix("#/").split("/"):
            where = where[step]


def test_every_parameter_has_a_meaning_and_its_enumeration_is_complete(document):
    parameters = {
        parameter["name"]: parameter for parameter in document["paths"]["/api/p2p/failures"]["get"]["parameters"]
    }
    assert set(parameters) == {
        "reason", "source", "addr", "via", "phase", "kind", "since_unix", "limit", "redact",
    }  # fmt: skip
    assert all(parameter["description"] for parameter in parameters.values())
    assert "connection_refused" in parameters["reason"]["schema"]["enum"]
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}


def required_keys(document, name):
    return set(document["components"]["schemas"][name]["required"])


def test_the_texts_are_the_same_on_every_version_of_python(document):
    # Before 3.13 docstrings keep their indentation and two statuses have the phrases of RFC 2616.
    descriptions = [schema.get("description", "") for schema in document["components"]["schemas"].values()]
    assert any("\n" in description for description in descriptions)
    assert [inspect.cleandoc(description) for description in descriptions] == descriptions
    responses = document["paths"]["/api/p2p/connect"]["post"]["responses"]
    assert responses["413"]["description"] == "Content Too Large"
    assert responses["422"]["description"] == "Unprocessable Content"


def test_a_problem_is_titled_as_the_document_says(document, server):
    answer = get(server, "/api/p2p/failures?limit=0")
    responses = document["paths"]["/api/p2p/failures"]["get"]["responses"]
    assert answer.json["title"] == responses[str(answer.status)]["description"] == "Unprocessable Content"


def test_answers_have_the_keys_that_the_document_requires(document, server, tracker):
    tracker.record("192.0.2.1:7072", "timeout", "seed")
    debug = get(server, "/api/p2p/debug").json
    assert required_keys(document, "DebugView") == set(debug)
    assert required_keys(document, "DialFailure") == set(debug["dial_failures"][0])
    assert required_keys(document, "FailuresView") == set(get(server, "/api/p2p/failures").json)
    assert required_keys(document, "PeerView") == set(get(server, "/api/p2p/peers").json["peers"][0])
    propagation = get(server, "/api/p2p/propagation?addr=10.0.0.1:7072").json
    assert required_keys(document, "PropagationView") == set(propagation)
    assert required_keys(document, "IntroducerView") == set(propagation["by_introducer"][0])
    assert required_keys(document, "PropagationCounts") == set(propagation["by_source"]["gossip"])
    assert required_keys(document, "Introduction") == set(propagation["chain"][0])
    result = post_json(server, "/api/p2p/connect", {"peer_addr": "192.0.2.1:7072"}).json
    assert required_keys(document, "DialResult") == set(result)


def test_every_status_that_bad_input_gets_is_documented(document, server):
    documented = set(document["paths"]["/api/p2p/connect"]["post"]["responses"])
    assert documented >= {"200", "202", "400", "401", "403", "404", "408", "413", "415", "422", "429", "500"}


def test_the_document_is_served(document, server):
    assert get(server, "/openapi.json").json == document
