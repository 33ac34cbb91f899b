"""`nocarrier top` without a terminal: a line for each change, to be kept in a file or read by a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nocarrier.cli.render.diagnosis_text import HEALTH_WORDS
from nocarrier.cli.render.text import clock_time, printable
from nocarrier.client.answers import Diagnosis, Status, read_as
from nocarrier.client.event_stream import Lost, Message
from nocarrier.model.finding import HealthStatus


def lines(messages: Iterable[Message | Lost]) -> Iterator[str]:
    """What `messages` tell of status, findings and gaps; single dials are told by ``nocarrier history --follow``.

    Raises:
        NodeUnreachableError: they are not what a node sends.
    """
    standing: dict[str, str] = {}
    health: HealthStatus | None = None
    at = ""
    for message in messages:
        if isinstance(message, Lost):
            yield f"{at} ! {printable(message.why)}; trying again in {message.retry_s:.0f} s"
        elif message.event == "status":
            status = read_as(Status, message.data)
            at = clock_time(status.at_unix)
            yield f"{at} {_numbers(status)}"
        elif message.event == "findings":
            diagnosis = read_as(Diagnosis, message.data)
            at = clock_time(diagnosis.at_unix)
            now = {
                finding.code: f"{finding.severity} {finding.code}: {finding.summary}" for finding in diagnosis.findings
            }
            if diagnosis.health is not health:
                health = diagnosis.health
                why = f": {printable(diagnosis.status_detail)}" if diagnosis.status_detail else ""
                yield f"{at} = {HEALTH_WORDS[health]}{why}"
            yield from (f"{at} + {printable(text)}" for code, text in now.items() if code not in standing)
            yield from (f"{at} - {printable(code)} is over" for code in standing if code not in now)
            standing = now
        elif message.event == "gap":
            missed = message.data.get("missed")
            yield f"{at} ! " + ("the node was started anew" if missed is None else f"{printable(missed)} events lost")


def _numbers(status: Status) -> str:
    totals, book = status.dial_totals, status.peer_book_counts
    ends = f"{totals.succeeded} succeeded + {totals.failed} failed + {totals.cancelled} cancelled"
    parts = [f"dials {totals.started} = {ends} + {totals.in_flight} in flight", f"skips {totals.skipped}"]
    if status.target_peers is not None:
        parts.insert(0, f"connected {status.connected}/{status.target_peers}")
        parts.append(f"peer book {book.hot} hot, {book.warm} warm, {book.cold} cold")
    return printable(", ".join(parts))
