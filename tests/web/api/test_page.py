"""The page over HTTP: its files and headers if it was built, and how to build it if not."""

from __future__ import annotations

import gzip
import http.client
import mimetypes

import pytest

from nocarrier.app.embedded import api_server
from nocarrier.web.api import app
from nocarrier.web.api.page import POLICY, Page
from nocarrier.web.api.routes import ROUTES
from tests.web.api.http_client import get

SCRIPT = b"console.log('a page')\n" * 50


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A folder as Vite makes it, from which the page is served."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>built</title>")
    (tmp_path / "assets" / "index-1a2b3c.js").write_bytes(SCRIPT)
    (tmp_path / "secret.txt").write_text("not of the page")
    monkeypatch.setattr(app, "BUILT", tmp_path)
    return tmp_path


@pytest.fixture
def unbuilt(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "BUILT", tmp_path / "nothing")


@pytest.fixture
def page_server(tracker, node):
    with api_server(tracker, node=node, listen="127.0.0.1:0", token="opensesame") as running:
        yield running


def test_the_page_has_a_strict_policy_and_is_always_revalidated(built, page_server):
    answer = get(page_server, "/")
    assert answer.status == 200
    assert b"<title>built</title>" in answer.body
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for word in ("unsafe-inline", "unsafe-eval", "http:", "https:", "*"):
        assert word not in POLICY


def test_an_asset_is_kept_by_browsers_and_needs_no_token(built, page_server):
    answer = get(page_server, "/assets/index-1a2b3c.js")
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


def test_clients_that_accept_compression_get_it(built, page_server):
    connection = http.client.HTTPConnection("127.0.0.1", page_server.address.port, timeout=5)
    connection.request("GET", "/assets/index-1a2b3c.js", headers={"Accept-Encoding": "gzip, br"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert gzip.decompress(body) == SCRIPT
    assert len(body) < len(SCRIPT) / 10


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br, GZIP; q=0.5", "gzip"), ("gzip;q=0", None), ("br, gzip; q=0.000", None), ("x-gzip2", None)],
)
def test_clients_that_refuse_compression_get_none(built, page_server, accepted, encoding):
    assert get(page_server, "/", Accept_Encoding=accepted).headers.get("content-encoding") == encoding


def test_types_do_not_depend_on_the_machine(built, tracker, monkeypatch):
    for ending in ("css", "svg", "bin"):
        (built / "assets" / f"a.{ending}").write_text("x")
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_: ("text/plain", None))
    with api_server(tracker, listen="127.0.0.1:0") as server:
        types = [
            get(server, f"/assets/{name}").headers["content-type"] for name in ("index-1a2b3c.js", "a.css", "a.svg")
        ]
        assert [text.partition(";")[0] for text in types] == ["text/javascript", "text/css", "image/svg+xml"]
        assert get(server, "/assets/a.bin").headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/..%2fsecret.txt", "/assets/../secret.txt", "/secret.txt", "/assets/"]
)
def test_only_the_page_is_served(built, page_server, path):
    answer = get(page_server, path)
    assert answer.status in {401, 404}
    assert b"not of the page" not in answer.body


def test_without_a_page_it_says_how_to_build_it_and_lists_the_routes(unbuilt, page_server):
    answer = get(page_server, "/")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert b"make page" in answer.body
    assert all(route.path.encode() in answer.body for route in ROUTES)


def test_an_incomplete_folder_is_not_a_page(tmp_path):
    (tmp_path / "assets").mkdir()
    assert Page(tmp_path, ROUTES)._files == {}
