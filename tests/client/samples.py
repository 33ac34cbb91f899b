"""Answers of a node, as the structs that it sends: each complete, so that a test states only what matters to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from nocarrier.client.event_stream import SentEvent, StreamMessage
from nocarrier.model.action import ProgramKind
from nocarrier.model.event import DialEvent, DialFailure
from nocarrier.model.finding import HealthStatus, Severity
from nocarrier.model.history import HistoryState, HistoryStatus, SeriesBy
from nocarrier.model.node.state import (
    BookState,
    ConnectedPeer,
    Direction,
    NodeInfo,
    PeerBookCounts,
    Reachability,
)
from nocarrier.model.taxonomy import Blame, Kind, Outcome, Phase, Reason, Source
from nocarrier.model.wording.word import newer_words
from nocarrier.tracking import Totals
from nocarrier.web.views import (
    Coverage,
    DebugView,
    DiagnosisView,
    FailuresView,
    FindingView,
    PeersView,
    PeerView,
    SeriesView,
    StatementView,
    StatusView,
)

ADDR = "192.0.2.1:7072"


def document(view: object) -> Any:
    """`view` as a client receives it: decoded JSON."""
    return msgspec.json.decode(msgspec.json.encode(view))


def message(name: str, view: object, seq: int | None = None) -> StreamMessage:
    """`view` as a message of the live stream."""
    return StreamMessage(SentEvent(name, document(view), seq), view)


def _made(wanted: type, usual: dict[str, Any], given: dict[str, Any]) -> Any:
    """A `wanted` made of `usual` and `given`, in which words may be those of a newer node."""
    with newer_words():
        return msgspec.convert(msgspec.to_builtins(usual | given), wanted)


def words(text: str) -> dict[str, Any]:
    """`text` as a sentence that consists only of what somebody else said."""
    return {"template": "{said}", "values": {"said": {"kind": "text", "text": text}}}


def action(text: str, command: str | None = None, settings: str | None = None) -> dict[str, Any]:
    return {
        "text": text,
        "words": words(text),
        "command": command,
        "settings": settings,
        "applies_to": list(ProgramKind),
    }


def evidence(statement: str, count: int = 1, addrs: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "statement": statement,
        "statement_text": words(statement),
        "count": count,
        "addrs": addrs,
        "event_ids": [],
        "run": None,
    }


def statement(text: str, suggests: str | None = None) -> dict[str, Any]:
    return {"text": text, "words": words(text), "addr": None, "suggests": suggests}


def said(text: str) -> StatementView:
    return _made(StatementView, statement(text), {})


def finding(code: str = "peer_down", **given: Any) -> FindingView:
    summary = given.get("summary", f"The summary of {code}.")
    usual = {
        "code": code,
        "title": f"The title of {code}",
        "severity": Severity.WARNING,
        "blame": Blame.THEM,
        "summary": summary,
        "summary_text": words(summary),
        "confidence": 0.6,
        "evidence": [],
        "affected_peers": 0,
        "affected_dials": 0,
        "next_actions": [],
        "since_unix": 1_700_000_000.0,
        "hides": [],
    }
    return _made(FindingView, usual, given)


def diagnosis(*findings: FindingView, **given: Any) -> DiagnosisView:
    bad = any(each.severity != Severity.INFO for each in findings)
    usual = {
        "at_unix": 1_700_000_000.0,
        "status": HealthStatus.UNHEALTHY if bad else HealthStatus.HEALTHY,
        "status_detail": None,
        "findings": findings,
    }
    usual["healthy"] = given.get("status", usual["status"]) == HealthStatus.HEALTHY
    return _made(DiagnosisView, usual, given)


def node_info(**given: Any) -> NodeInfo:
    usual = {
        "node_id": "ab" * 32,
        "version": "0.1.0",
        "network": "main",
        "genesis": "0" * 64,
        "protocol_version": 2,
        "min_protocol_version": 1,
        "p2p_port": 7072,
        "http_port": 7070,
        "advertised_p2p": None,
        "ipv4_only": False,
        "lan_mode": True,
        "target_peers": 8,
        "max_peers": 64,
        "started_at_unix": 1_700_000_000.0,
        "offline": False,
        "offline_because": None,
    }
    return _made(NodeInfo, usual, given)


def connected_peer(addr: str = ADDR, **given: Any) -> ConnectedPeer:
    usual = {
        "addr": addr,
        "node_id": "cd" * 32,
        "direction": Direction.OUTBOUND,
        "source": Source.SEED,
        "via": None,
        "connected_at_unix": 1_700_000_000.0,
        "protocol_version": 2,
        "user_agent": "nocarrier/0.1.0",
        "latency_s": None,
        "last_received_unix": 1_700_000_000.0,
        "p2p_port": None,
        "http_port": None,
        "clock_ahead_s": 0.0,
    }
    return _made(ConnectedPeer, usual, given)


def book_peer(addr: str = ADDR, **given: Any) -> PeerView:
    usual = {
        "addr": addr,
        "state": BookState.COLD,
        "connected": False,
        "source": Source.SEED,
        "via": None,
        "node_id": None,
        "first_seen_unix": 1_700_000_000.0,
        "last_success_unix": None,
        "last_failure_unix": None,
        "streak": 0,
        "last_reason": None,
        "next_attempt_unix": None,
        "because": None,
    }
    return _made(PeerView, usual, given)


def failure(addr: str = ADDR, reason: str = "timeout", **given: Any) -> DialFailure:
    usual = {
        "addr": addr,
        "reason": reason,
        "timestamp_unix": 1_700_000_000,
        "source": Source.SEED,
        "phase": Phase.CONNECT,
        "kind": Kind.FAILURE,
        "outcome": Outcome.FAILED,
        "blame": Blame.UNKNOWN,
        "detail": None,
        "via": None,
        "duration_s": None,
        "attempts": [],
        "evidence": {},
        "phases_s": {},
        "node_id": None,
        "repeats": 1,
        "penalised": False,
        "dial_id": None,
        "run": "12" * 16,
        "seq": 1,
        "at_unix": 1_700_000_000.0,
    }
    return _made(DialFailure, usual, given)


def recorded(seq: int = 1, **given: Any) -> DialEvent:
    usual = {
        "run": "12" * 16,
        "seq": seq,
        "kind": Kind.FAILURE,
        "outcome": Outcome.FAILED,
        "addr": ADDR,
        "source": Source.SEED,
        "at_unix": 1_700_000_000.0,
        "timestamp_unix": 1_700_000_000,
        "reason": Reason.TIMEOUT,
        "phase": Phase.CONNECT,
        "blame": Blame.UNKNOWN,
    }
    return _made(DialEvent, usual, given)


def status(**given: Any) -> StatusView:
    usual = {
        "at_unix": 1_700_000_000.0,
        "started_unix": 1_600_000_000.0,
        "start_id": "12" * 16,
        "seq": 0,
        "dial_totals": Totals(),
        "dropped": {},
        "history": HistoryStatus(state=HistoryState.OFF),
        "connected": 0,
        "target_peers": None,
        "peer_book_counts": PeerBookCounts(),
        "reachability": Reachability.UNKNOWN,
        "offline": False,
        "ready": True,
        "node_revision": 0,
    }
    return _made(StatusView, usual, given)


def debug(**given: Any) -> DebugView:
    usual = {
        "connected_peers": [],
        "peer_book_counts": PeerBookCounts(),
        "dial_failures": [],
        "dial_totals": Totals(),
        "totals_cover": Coverage(covers="since start", since_unix=None),
        "reachability": Reachability.UNKNOWN,
        "node": None,
        "history": HistoryStatus(state=HistoryState.OFF),
        "findings": [],
    }
    return _made(DebugView, usual, given)


def failures(*entries: DialFailure, **given: Any) -> FailuresView:
    usual = {
        "failures": entries,
        "by_reason": {},
        "by_source": {},
        "by_addr": {},
        "samples": [],
        "totals_by_source": {},
        "dropped": {},
    }
    return _made(FailuresView, usual, given)


def peers(*entries: PeerView) -> PeersView:
    return PeersView(peers=list(entries))


def series(counts: dict[str, list[int]], *, until_unix: int = 60, starts_unix: tuple[float, ...] = ()) -> SeriesView:
    return SeriesView(
        since_unix=0,
        until_unix=until_unix,
        bucket_s=60,
        by=SeriesBy.REASON,
        series=counts,
        counts=[],
        starts_unix=list(starts_unix),
        cover=Coverage(covers="all history", since_unix=None),
    )
