"""`nocarrier top` without a terminal: one line per change, for a file or a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nocarrier.cli.render.diagnosis_text import health_in_words
from nocarrier.cli.render.text import clock_time, printable
from nocarrier.client.event_stream import Lost, StreamMessage
from nocarrier.model.finding import HealthStatus
from nocarrier.web.views import DiagnosisView, StatusView
from nocarrier.web.views.stream import Gap


def lines(messages: Iterable[StreamMessage | Lost]) -> Iterator[str]:
    """Status, findings and gaps in `messages` as lines; ``nocarrier history --follow`` shows single dials."""
    active: dict[str, str] = {}
    health: HealthStatus | None = None
    at = ""
    for message in messages:
        if isinstance(message, Lost):
            yield f"{at} ! {printable(message.why)}; trying again in {message.retry_s:.0f} s"
            continue
        match message.view:
            case StatusView() as status:
                at = clock_time(status.at_unix)
                yield f"{at} {_numbers(status)}"
            case DiagnosisView() as diagnosis:
                at = clock_time(diagnosis.at_unix)
                if diagnosis.status != health:
                    health = diagnosis.status
                    why = f": {printable(diagnosis.status_detail)}" if diagnosis.status_detail else ""
                    yield f"{at} = {health_in_words(health)}{why}"
                before, active = active, _active(diagnosis)
                yield from (f"{at} + {printable(text)}" for code, text in active.items() if code not in before)
                yield from (f"{at} - {printable(code)} is over" for code in before if code not in active)
            case Gap(missed=None):
                yield f"{at} ! the node restarted"
            case Gap(missed=missed):
                yield f"{at} ! {missed} events were missed"


def _active(diagnosis: DiagnosisView) -> dict[str, str]:
    """What each active finding says, by its code."""
    return {finding.code: f"{finding.severity} {finding.code}: {finding.summary}" for finding in diagnosis.findings}


def _numbers(status: StatusView) -> str:
    totals, book = status.dial_totals, status.peer_book_counts
    ends = f"{totals.succeeded} succeeded + {totals.failed} failed + {totals.cancelled} cancelled"
    parts = [f"dials {totals.started} = {ends} + {totals.in_flight} in flight", f"skips {totals.skipped}"]
    if status.target_peers is not None:
        parts.insert(0, f"connected {status.connected}/{status.target_peers}")
        parts.append(f"peer book {book.hot} hot, {book.warm} warm, {book.cold} cold")
    return printable(", ".join(parts))
