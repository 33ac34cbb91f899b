"""Failures as real dials leave them, for benchmarks that need many without dialing."""

from __future__ import annotations

from nocarrier import Attempt, Blame, DialTracker, Evidence, Fault, Phase, Reason
from nocarrier.model.fault import IcmpEvidence

SOURCES = ("seed", "peer_book", "gossip")


def record_failed_dials(tracker: DialTracker, count: int, first: int = 0) -> None:
    """Begin and fail `count` dials, each to an address of its own, with the evidence of a router's rejection."""
    for number in range(first, first + count):
        addr = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:7072"
        source = SOURCES[number % len(SOURCES)]
        fault = Fault(
            reason=Reason.HOST_UNREACHABLE,
            phase=Phase.CONNECT,
            blame=Blame.PATH,
            detail=f"No route to host, connecting to {addr}",
            evidence=Evidence(
                errno="EHOSTUNREACH",
                decided_by="network",
                icmp=IcmpEvidence(type=3, code=1, hop=f"192.0.2.{number & 255}"),
                syn_retransmits=0,
                elapsed_s=0.001 + number / 1e6,
            ),
        )
        attempt = Attempt(
            addr=addr,
            started_s=0.0001,
            duration_s=0.001 + number / 1e6,
            reason=fault.reason,
            blame=fault.blame,
            detail=fault.detail,
            evidence=fault.evidence,
        )
        dial_id = tracker.begin(addr, source, via="198.51.100.7:7072" if source == "gossip" else None)
        tracker.fail(
            dial_id, fault, duration_s=0.002 + number / 1e6, attempts=(attempt,), phases_s={"connect": 0.001 + number / 1e6}
        )
