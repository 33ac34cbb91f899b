"""`nocarrier demo`: a small network on loopback with the usual faults in it, and what one of its nodes finds."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from nocarrier.app.node import attend, in_background, until_told_to_stop
from nocarrier.cli.render.diagnosis_text import SEVERITY_STYLES, health_in_words
from nocarrier.cli.render.evidence import in_words
from nocarrier.cli.render.lines import Line, print_lines
from nocarrier.doctor import Doctor
from nocarrier.model.event import DialFailure
from nocarrier.model.finding import Diagnosis, Severity
from nocarrier.model.listen import DEFAULT_LISTEN
from nocarrier.model.taxonomy import Kind, Reason, Source
from nocarrier.outputs.history import FILE_NAME, SqliteHistory
from nocarrier.sources.node.node import Node
from nocarrier.testing.demo_network import VERSION, DemoNetwork, demo_network
from nocarrier.tracking import DialTracker
from nocarrier.web.api.server import Server

LONGEST_S = 45.0
"""The summary comes after this time even if a fault is still missing. The slowest, a handshake that never ends, takes
its window of 6 s."""


@click.command()
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True, help="Address of the watched node's API and page.")
@click.option("--once", is_flag=True, help="Exit after the summary instead of serving until Ctrl-C.")
def demo(listen: str, once: bool) -> None:
    """Run a small network with faults in it on loopback, and show what is found. No packet leaves this machine."""
    logging.basicConfig(level=logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="nocarrier-demo-", ignore_cleanup_errors=True) as folder:
        asyncio.run(_demo(listen, Path(folder), once=once))


async def _demo(listen: str, folder: Path, *, once: bool) -> None:
    console = Console()
    attendants: list[tuple[Doctor, Server]] = []
    stop = asyncio.create_task(until_told_to_stop())
    async with AsyncExitStack() as stack:

        def attended(node: Node, tracker: DialTracker) -> None:
            history = stack.enter_context(SqliteHistory(folder / FILE_NAME, tracker, version=VERSION))
            attendants.append(attend(node, tracker, history, listen=listen))

        network = await stack.enter_async_context(demo_network(folder, attended))
        [(doctor, server)] = attendants
        await stack.enter_async_context(in_background(server.run()))
        await stack.enter_async_context(in_background(doctor.run()))
        console.print(
            f"[bold]nocarrier demo[/]: {len(network.mesh)} nodes on 127.0.0.0/8, "
            f"and {len(network.faulty)} seeds that do not work"
        )
        watch = asyncio.create_task(_watch(console, network))
        await asyncio.wait({stop, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            _summarise(console, network, await doctor.diagnosis(), server.url)
            if not once:
                console.print("\nPress Ctrl-C to stop; nothing is left behind.")
                await stop
        watch.cancel()
    stop.cancel()


async def _watch(console: Console, network: DemoNetwork) -> None:
    """Wait until every faulty seed has shown its fault and the mesh is connected."""
    deadline = time.monotonic() + LONGEST_S
    wanted = len(network.mesh) - 1
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("dialing")
        while time.monotonic() < deadline:
            seen = {failure.addr for failure in network.tracker.recent() if failure.kind is not Kind.CANCELLED}
            missing = [peer for peer in network.faulty if peer.addr not in seen]
            connected = len(network.node.sessions)
            progress.update(
                task,
                description=f"connected to {connected} of {wanted} good peers, "
                f"{len(network.faulty) - len(missing)} of {len(network.faulty)} faults found",
            )
            # The silent peer counts as found once its handshake window has passed; a skip is not enough.
            if (
                connected >= wanted
                and not missing
                and network.tracker.counts().get((Reason.HANDSHAKE_TIMEOUT, Source.SEED))
            ):
                return
            await asyncio.sleep(0.2)


def _summarise(console: Console, network: DemoNetwork, diagnosis: Diagnosis, url: str) -> None:
    newest = _newest_by_address(network)
    table = Table(title="the seeds that do not work", title_justify="left")
    table.add_column("seed", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    table.add_column("blame", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    for peer in network.faulty:
        failure = newest.get(peer.addr)
        if failure is None:
            table.add_row(peer.addr, "not dialed yet", "", peer.what)
            continue
        style = "yellow" if failure.kind is Kind.SKIP else "red"
        table.add_row(
            peer.addr, Text(failure.reason, style=style), failure.blame, Text(in_words(msgspec.to_builtins(failure)))
        )
    console.print(table)
    totals = network.tracker.totals()
    counts = network.node.book_counts()
    console.print(
        f"connected to {len(network.node.sessions)} peers; peer book: {counts.hot} hot, {counts.warm} warm, "
        f"{counts.cold} cold"
    )
    console.print(
        f"dials: {totals.started} started = {totals.succeeded} succeeded + {totals.failed} failed + "
        f"{totals.cancelled} cancelled + {totals.in_flight} in flight"
    )
    console.print(f"skips: {totals.skipped} dials that policy prevented")
    print_lines(console, _verdict(diagnosis))
    program = sys.argv[0]  # as it was called: a newcomer's virtual environment is not on the PATH
    # Commands are not wrapped, so that they can be copied.
    console.print(f"\nlook at it:           {url}/", soft_wrap=True)
    console.print(f"why, and what to do:  {program} doctor --url {url}", soft_wrap=True)
    console.print(f"what a word means:    {program} explain NAME", soft_wrap=True)
    console.print(f"for programs:         curl -s {url}/api/p2p/debug | jq .dial_failures", soft_wrap=True)


def _verdict(diagnosis: Diagnosis) -> Iterator[Line]:
    """What the doctor says, in short, as the screen is full already."""
    yield Line(0, "")
    yield Line(0, f"the doctor says: {health_in_words(diagnosis.status)}", style="bold")
    if diagnosis.status_detail:
        yield Line(2, diagnosis.status_detail)
    known = [finding.code for finding in diagnosis.findings if finding.severity is Severity.INFO]
    for finding in diagnosis.findings:
        if finding.severity is not Severity.INFO:
            yield Line(2, str(finding.summary), f"{finding.severity}:", mark_style=SEVERITY_STYLES[finding.severity])
    if known:
        yield Line(2, ", ".join(known), "info:", mark_style=SEVERITY_STYLES[Severity.INFO])


def _newest_by_address(network: DemoNetwork) -> dict[str, DialFailure]:
    """The newest failure of each address; a skip only if there is nothing else."""
    newest: dict[str, DialFailure] = {}
    for failure in network.tracker.recent():
        earlier = newest.get(failure.addr)
        if earlier is None or earlier.kind is Kind.SKIP or failure.kind is not Kind.SKIP:
            newest[failure.addr] = failure
    return newest
