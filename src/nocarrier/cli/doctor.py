"""`nocarrier doctor`: exits with 0 healthy, 1 unhealthy, 3 undetermined, 2 where the node cannot be asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from nocarrier.cli.render.progress import progress
from nocarrier.client.node_client import NodeClient, RequestRefusedError, asks_node
from nocarrier.errors import NocarrierError, NodeUnreachableError
from nocarrier.model.finding import HealthStatus

EXIT_STATUS = {HealthStatus.HEALTHY: 0, HealthStatus.UNHEALTHY: 1, HealthStatus.UNDETERMINED: 3}
"""2 is taken: the node cannot be asked, or the command line is wrong."""

PROBE_TIMEOUT_S = 120.0
"""A probe takes 15 s at most, and waits for those that others asked for before it."""


@click.command
@click.option("--probe", is_flag=True, help="Let the node look into each finding with a few packets; takes a while.")
@asks_node
def doctor(client: NodeClient, *, as_json: bool, probe: bool) -> None:
    """Say what is wrong and why, the worst first, with evidence and what to do.

    Exits with 0 where all is well, 1 where something is wrong, 3 where it is too early to tell or no peer is connected
    and nothing explains it, and 2 where the node cannot be asked. With --probe, the verdict is that after the probes.
    """
    from nocarrier.cli.render.diagnosis_text import print_diagnosis  # noqa: PLC0415
    from nocarrier.client import answers  # noqa: PLC0415 - rich and msgspec are loaded by who shows something

    answer = _get(client, "/api/p2p/diagnosis")
    diagnosis = answers.read_as(answers.Diagnosis, answer)
    probes: dict[str, Any] = {}
    if probe and diagnosis.findings:
        probes = _probe(client, (finding.code for finding in diagnosis.findings))
        answer = _get(client, "/api/p2p/diagnosis")  # they take a while, and what they saw may count
        diagnosis = answers.read_as(answers.Diagnosis, answer)
    if as_json:
        click.echo(json.dumps(answer | {"probes": probes} if probe else answer, indent=2))
    else:
        looked_at = answers.read_as(answers.LookedAt, _get(client, "/api/p2p/debug"))
        print_diagnosis(diagnosis, looked_at, probes)
    sys.exit(EXIT_STATUS[diagnosis.health])


def _get(client: NodeClient, path: str) -> Any:
    """The answer; a node that has no such route cannot be asked, while 1 would say that something is wrong with it."""
    try:
        return client.get(path)
    except RequestRefusedError as error:
        raise NodeUnreachableError(f"the node does not answer {path}: {error}") from error


def _probe(client: NodeClient, codes: Iterable[str]) -> dict[str, Any]:
    """What each probe gave by the code of the finding; ``{"error": ...}`` where it gave nothing."""
    results: dict[str, Any] = {}
    with progress("looking") as tell:
        for code in codes:
            tell(f"looking into {code}")
            try:
                results[code] = client.post("/api/p2p/diagnosis/probe", {"code": code}, PROBE_TIMEOUT_S)
            except NocarrierError as error:  # it may be over by now; what was found before is worth showing
                results[code] = {"error": str(error)}
    return results
