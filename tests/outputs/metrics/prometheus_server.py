"""A real Prometheus on loopback that scrapes one target twice a second."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRAPE_INTERVAL = "500ms"
"""Also how long a scrape may take; on a busy machine, a tenth of a second passes quickly."""

STARTED_WITHIN_S = 20.0
"""On a busy machine; otherwise it takes half a second."""

_CONFIG = """\
global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}
rule_files: [{rules}]
scrape_configs:
  - job_name: nocarrier
    authorization: {{credentials: "{token}"}}
    static_configs: [{{targets: ["{target}"]}}]
"""


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of the expression now."""
        return (await self.ask(f"query?{urllib.parse.urlencode({'query': expression})}"))["result"]

    async def value(self, expression: str) -> float | None:
        """The only value of an expression without labels; None if there is none yet."""
        samples = await self.query(expression)
        return float(samples[0]["value"][1]) if samples else None

    async def firing(self) -> dict[str, dict[str, Any]]:
        """The firing alerts, by name; if several have one name, the last."""
        alerts = (await self.ask("alerts"))["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    async def ask(self, what: str) -> Any:
        """The data in an answer of the API."""
        return await asyncio.to_thread(self._ask, what)

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}", timeout=10) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        return body["data"]


@contextlib.asynccontextmanager
async def prometheus(
    folder: Path, target: str, *, token: str = "", rules: Iterable[Path] = ()
) -> AsyncIterator[Prometheus]:
    """Run Prometheus until the block ends; it has scraped `target` once when the block begins."""
    config = folder / "prometheus.yml"
    config.write_text(
        _CONFIG.format(interval=SCRAPE_INTERVAL, rules=", ".join(map(str, rules)), token=token, target=target)
    )
    listen = _free_address()
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={listen}",
        "--log.level=warn",
    ]
    log = folder / "prometheus.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        running = Prometheus(f"http://{listen}")
        async with asyncio.timeout(STARTED_WITHIN_S):
            while not await _has_scraped(running):
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.1)
        yield running
    finally:
        process.kill()  # its data is deleted with the test's folder
        process.wait()


async def _has_scraped(running: Prometheus) -> bool:
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return bool(await running.query("up"))
    return False


def _free_address() -> str:
    # Prometheus does not report the port that it was given for port 0, so a port is chosen here.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    return f"{host}:{port}"
