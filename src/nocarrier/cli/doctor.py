"""`nocarrier doctor`: exits with 0 healthy, 1 unhealthy, 3 undetermined, 2 if the node cannot be asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from nocarrier.cli.node_options import asks_node
from nocarrier.cli.render.progress import progress
from nocarrier.cli.render.text import print_json
from nocarrier.client.node_client import NodeClient
from nocarrier.errors import NocarrierError, NodeUnreachableError, RequestRefusedError
from nocarrier.model.finding import HealthStatus

if TYPE_CHECKING:
    from nocarrier.client.answer import NodeAnswer

EXIT_STATUS = {HealthStatus.HEALTHY: 0, HealthStatus.UNHEALTHY: 1, HealthStatus.UNDETERMINED: 3}
"""2 is taken: the node cannot be asked, or the command line is wrong."""

PROBE_TIMEOUT_S = 120.0
"""A probe takes at most 15 s, but first waits for probes that were requested earlier."""


@click.command
@click.option("--probe", is_flag=True, help="Have the node probe each finding with a few packets. This takes a while.")
@asks_node
def doctor(client: NodeClient, *, as_json: bool, probe: bool) -> None:
    """Say what is wrong and why, the worst first, with evidence and what to do.

    Exits with 0 if the node is healthy, 1 if something is wrong, 3 if it is too early to tell or no peer is connected
    and nothing explains why, and 2 if the node cannot be asked. With --probe, the verdict is the one after the probes.
    """
    answer = _get(client, "/api/p2p/diagnosis")
    from nocarrier.web.views import DiagnosisView  # noqa: PLC0415 - loaded once there is an answer

    diagnosis = answer.read(DiagnosisView)
    probes: dict[str, NodeAnswer | NocarrierError] = {}
    if probe and diagnosis.findings:
        probes = _probe(client, (finding.code for finding in diagnosis.findings))
        answer = _get(client, "/api/p2p/diagnosis")  # the probes took a while, and may have changed the verdict
        diagnosis = answer.read(DiagnosisView)
    if as_json:
        print_json(answer.document | {"probes": _documents(probes)} if probe else answer.document)
    else:
        from nocarrier.cli.render.diagnosis_text import print_diagnosis  # noqa: PLC0415
        from nocarrier.web.views import DebugView  # noqa: PLC0415

        print_diagnosis(diagnosis, _get(client, "/api/p2p/debug").read(DebugView), probes)
    sys.exit(EXIT_STATUS.get(diagnosis.status, EXIT_STATUS[HealthStatus.UNDETERMINED]))


def _get(client: NodeClient, path: str) -> NodeAnswer:
    """The answer. A node without such a route cannot be asked (2); exit status 1 would mean that it is unhealthy."""
    try:
        return client.get(path)
    except RequestRefusedError as error:
        raise NodeUnreachableError(f"the node does not answer {path}: {error}") from error


def _probe(client: NodeClient, codes: Iterable[str]) -> dict[str, NodeAnswer | NocarrierError]:
    """The result of each probe, or why there is none, by the code of the finding."""
    results: dict[str, NodeAnswer | NocarrierError] = {}
    with progress("probing") as tell:
        for code in codes:
            tell(f"probing {code}")
            try:
                results[code] = client.post("/api/p2p/diagnosis/probe", {"code": code}, PROBE_TIMEOUT_S)
            except NocarrierError as error:  # the finding may be over by now; earlier results are still worth showing
                results[code] = error
    return results


def _documents(probes: dict[str, NodeAnswer | NocarrierError]) -> dict[str, object]:
    return {
        code: {"error": str(gave)} if isinstance(gave, NocarrierError) else gave.document
        for code, gave in probes.items()
    }
