"""Probes requested through the API. They are made for active findings, and use what the node knows of their hosts."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from starlette.exceptions import HTTPException

from nocarrier.doctor import Doctor
from nocarrier.errors import AddressError
from nocarrier.model.address import Address
from nocarrier.model.finding import Finding
from nocarrier.model.node.state import NodePort
from nocarrier.model.probe import ProbeResult


class ProberPort(Protocol):
    """Probes the network for a finding, at most once a minute."""

    async def probe(self, finding: Finding, *, http_ports: Mapping[str, int]) -> ProbeResult:
        """Probe for `finding`, or return its last result if that is less than a minute old.

        Args:
            finding: its code says what to probe, its evidence which addresses.
            http_ports: ports on which peers are known to serve HTTP, by peer address as in the finding.
        """

    async def close(self) -> None:
        """End the probes that still run."""


class Probes:
    """Runs the probes of `POST /api/p2p/diagnosis/probe`."""

    def __init__(self, prober: ProberPort, doctor: Doctor, node: NodePort | None) -> None:
        self._prober = prober
        self._doctor = doctor
        self._node = node

    async def probe(self, code: str) -> ProbeResult:
        """Probe the finding with this code. This takes about 15 s, or longer if other probes run first.

        Raises:
            HTTPException: 404, no finding with this code is active.
        """
        findings = (await self._doctor.diagnosis()).findings
        finding = next((finding for finding in findings if finding.code == code), None)
        if finding is None:
            active = ", ".join(finding.code for finding in findings) or "none"
            raise HTTPException(HTTPStatus.NOT_FOUND, f"No finding {code!a} is active. Active findings: {active}.")
        return await self._prober.probe(finding, http_ports=self._http_ports(finding))

    async def close(self) -> None:
        """End the probes that still run."""
        await self._prober.close()

    def _http_ports(self, finding: Finding) -> dict[str, int]:
        """Return the HTTP ports that connected peers state, by address in `finding` on the same host."""
        by_host = {
            _host(peer.addr): peer.http_port
            for peer in (self._node.connected_peers() if self._node is not None else ())
            if peer.http_port is not None
        }
        addrs = [addr for item in finding.evidence for addr in item.addrs]
        return {addr: by_host[_host(addr)] for addr in addrs if _host(addr) in by_host}


def _host(addr: str) -> str:
    try:
        return Address.parse(addr).host
    except AddressError:
        return addr
