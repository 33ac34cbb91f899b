"""What the README shows is true: its example runs as it stands, and its links lead somewhere."""

import json
import re
import urllib.request
from pathlib import Path

import pytest

import nocarrier

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_ten_line_example_records_the_dial_and_serves_it():
    """The example itself, on a port of the kernel's choice and against a closed port."""
    (code,) = re.findall(r"<!-- example: embed -->\n```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 11
    code = code.replace('"127.0.0.1:7070"', '"127.0.0.1:0"').replace("nocarrier.serve(", "serving(")
    served: list[dict] = []

    class serving:  # noqa: N801 - stands where the example calls nocarrier.serve
        def __init__(self, listen: str) -> None:
            self.server = nocarrier.serve(listen=listen)

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            with urllib.request.urlopen(f"{self.server.url}/api/p2p/debug", timeout=5) as answer:
                served.append(json.load(answer))
            self.server.close()

    async def my_handshake(reader, writer):
        raise AssertionError("nothing listens there")

    nocarrier.global_tracker().clear()
    with pytest.raises(ConnectionRefusedError):
        exec(compile(code, "README.md", "exec"), {"serving": serving, "my_handshake": my_handshake})

    (entry,) = served[0]["dial_failures"]
    assert (entry["addr"], entry["reason"], entry["source"]) == ("127.0.0.1:9999", "connection_refused", "seed")
    assert entry["evidence"]["errno"] == "ECONNREFUSED"
    assert nocarrier.get_dial_failures()[-1].reason == "connection_refused"


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []
