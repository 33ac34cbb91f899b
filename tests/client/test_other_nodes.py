"""Every verb that asks a node, with a real node and with nodes of other versions."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus

import pytest
from msgspec import inspect
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from nocarrier.app.node import attend, in_background
from nocarrier.client.answer import NodeAnswer
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import AnotherApiError
from nocarrier.model.wording.word import Word
from nocarrier.outputs.history import SqliteHistory
from nocarrier.web.api.routes import ROUTES
from nocarrier.web.api.server import Server
from nocarrier.web.views.stream import MESSAGES
from testbed.nodes import nodes_fixture
from tests.cli.command import nocarrier
from tests.outputs.history.kit import eventually

nodes = nodes_fixture

VIEWS = {
    route.path: route.answers[HTTPStatus.OK]
    for route in ROUTES
    if route.answers.get(HTTPStatus.OK) is not None and route.path != "/openapi.json"
}
"""The struct of every JSON answer, by its path."""

REFUSED = "127.66.0.9:7072"

VERBS = {
    ("doctor",): {0, 1, 3},
    ("failures",): {0},
    ("failures", "--kind", "skip"): {0},
    ("peers",): {0},
    ("connect", REFUSED): {1},
    ("history",): {0},
    ("history", "--findings"): {0},
    ("report", "--output", "-"): {0},
}
"""Verbs that ask a node, with the exit codes that are allowed here."""


@contextlib.asynccontextmanager
async def busy_node(nodes, tmp_path):
    """The URL of a real node with a session, a failure, a history and findings."""
    dialer, _ = await nodes.pair()
    with SqliteHistory(tmp_path / "history.sqlite3", dialer.tracker) as history:
        doctor, server = attend(dialer.node, dialer.tracker, history, listen="127.0.0.1:0")
        async with in_background(server.run()):
            await dialer.node.connect(REFUSED)
            dialer.tracker.record("192.168.3.3:7072", "private_ip_blocked", "gossip", via=REFUSED)
            history.record_findings((await doctor.diagnosis()).findings)
            await asyncio.to_thread(eventually, lambda: history.status().events_total >= 3)
            await asyncio.to_thread(eventually, lambda: history.findings(None, None, 1))
            yield server.url


def answers_of(client):
    """Every JSON answer to a GET, by its path."""
    return {route.path: client.get(route.path) for route in ROUTES if route.method == "GET" and route.path in VIEWS}


@contextlib.contextmanager
def answering(documents):
    """A server that answers these paths with these documents, and all others with 404."""

    async def answer(request):
        document = documents.get(request.url.path)
        return JSONResponse({"detail": "none"} if document is None else document, 404 if document is None else 200)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with Server(app, "127.0.0.1:0") as server:
        yield server.url


def each_missing_field_is_named(path, document):
    for field in inspect.type_info(VIEWS[path]).fields:
        lacking = {name: value for name, value in document.items() if name != field.encode_name}
        answer = NodeAnswer(lacking, f"http://127.0.0.1:7070{path}", lambda: "9.9.9")
        if not field.required:
            assert answer.read(VIEWS[path])
            continue
        with pytest.raises(AnotherApiError, match=f"missing required field `{field.encode_name}`") as error:
            answer.read(VIEWS[path])
        assert f"http://127.0.0.1:7070{path}: that node (nocarrier 9.9.9) speaks another version" in str(error.value)


async def test_every_verb_reads_a_real_node_and_names_what_is_missing(nodes, tmp_path):
    def read(url):
        answers = answers_of(NodeClient(url, None))
        for path, answer in answers.items():
            each_missing_field_is_named(path, answer.document)
        assert answers["/api/p2p/history/findings"].document["findings"]  # otherwise a verb would have little to read

        for verb, allowed in VERBS.items():
            shown = nocarrier(*verb, "--url", url)
            assert (shown.returncode in allowed, "Error" in shown.stderr, bool(shown.stdout)) == (True, False, True), (
                verb
            )
            if verb[0] != "report":
                as_json = nocarrier(*verb, "--json", "--url", url)
                assert (as_json.returncode in allowed, as_json.stderr) == (True, ""), verb
        assert nocarrier("diff", url, url).returncode == 1
        assert "same node" in nocarrier("diff", url, url).stdout

    async with busy_node(nodes, tmp_path) as url:
        await asyncio.to_thread(read, url)


# ---- other versions -------------------------------------------------------------------------------------------------


def with_newer_words(kind, value):
    """JSON `value` of this type, with every word replaced by one that this version does not know."""
    match kind:
        case inspect.EnumType() if isinstance(value, str):
            return "of_a_newer_node"
        case inspect.Metadata(type=inner):
            return with_newer_words(inner, value)
        case inspect.UnionType(types=types) if value is not None:
            inner = [each for each in types if not isinstance(each, inspect.NoneType)]
            return with_newer_words(inner[0], value) if len(inner) == 1 else value
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [with_newer_words(item, each) for each in value]
        case inspect.DictType(key_type=key, value_type=inner):
            return {with_newer_words(key, name): with_newer_words(inner, each) for name, each in value.items()}
        case inspect.DataclassType() | inspect.StructType() | inspect.TypedDictType():
            types = {field.encode_name: field.type for field in kind.fields}
            return {name: with_newer_words(types[name], each) for name, each in value.items()} | {"news": 1}
        case _:
            return value


async def test_a_newer_node_with_further_fields_and_words_is_shown(nodes, tmp_path):
    def read(url):
        documents = {path: answer.document for path, answer in answers_of(NodeClient(url, None)).items()}
        documents["/api/p2p/connect"] = (
            NodeClient(url, None).post("/api/p2p/connect", {"peer_addr": REFUSED}, 20).document
        )
        newer = {
            path: with_newer_words(inspect.type_info(VIEWS[path]), document) for path, document in documents.items()
        }
        with answering(newer) as newer_url:
            for verb, allowed in VERBS.items():
                shown = nocarrier(*verb, "--url", newer_url)
                # No known word says that something is wrong.
                assert (shown.returncode in allowed | {3}, "Error" in shown.stderr) == (True, False), verb
            assert "of_a_newer_node" in nocarrier("failures", "--url", newer_url).stdout
            assert nocarrier("diff", newer_url, newer_url).returncode == 1

    async with busy_node(nodes, tmp_path) as url:
        await asyncio.to_thread(read, url)


def words_in(kind, seen):
    """The word sets in a type."""
    if kind in seen:
        return
    seen.append(kind)
    match kind:
        case inspect.EnumType(cls=words):
            yield words
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner):
            yield from words_in(inner, seen)
        case inspect.UnionType(types=types):
            for each in types:
                yield from words_in(each, seen)
        case inspect.DictType(key_type=key, value_type=inner):
            yield from words_in(key, seen)
            yield from words_in(inner, seen)
        case inspect.DataclassType() | inspect.StructType() | inspect.TypedDictType():
            for field in kind.fields:
                yield from words_in(field.type, seen)


@pytest.mark.parametrize("view", dict.fromkeys([*VIEWS.values(), *MESSAGES.values()]), ids=lambda view: view.__name__)
def test_the_words_of_an_answer_may_be_those_of_a_newer_node(view):
    closed = [words.__name__ for words in words_in(inspect.type_info(view), []) if not issubclass(words, Word)]
    assert closed == []
