"""The table of usual ports: one protocol for each port, and none that our own network or the web uses."""

from __future__ import annotations

from nocarrier.classification.first_bytes import SIGNATURES
from nocarrier.classification.usual_ports import P2P_PROTOCOLS, spoken_as, usual_on

OURS_AND_THE_WEB = {22, 25, 53, 80, 443, 7070, 7072, 8000, 8080, 8443, 9000}
"""Ports of nocarrier, and ports that too many programs use for them to tell anything."""


def test_each_port_belongs_to_one_protocol():
    ports = [port for protocol in P2P_PROTOCOLS for port in protocol.ports]
    assert len(ports) == len(set(ports))
    assert not OURS_AND_THE_WEB & set(ports)


def test_each_row_is_found_by_its_ports_and_by_its_first_bytes():
    for protocol in P2P_PROTOCOLS:
        assert protocol.source
        assert all(usual_on(port) is protocol for port in protocol.ports)
        if protocol.speaks is not None:
            assert spoken_as(protocol.speaks) is protocol
    assert {protocol.speaks for protocol in P2P_PROTOCOLS} - {None} <= {each.protocol for each in SIGNATURES}


def test_what_is_not_in_the_table_is_not_found():
    assert usual_on(7072) is None
    assert spoken_as("http") is None
    assert spoken_as(None) is None
    assert spoken_as(["bitcoin"]) is None
