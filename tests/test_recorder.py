"""The one-line functions of the package record in the tracker that the whole program shares."""

from __future__ import annotations

import pytest

import nocarrier
from nocarrier.testing.fault_servers import closed_port


@pytest.fixture(autouse=True)
def clean():
    nocarrier.global_tracker().clear()
    yield
    nocarrier.global_tracker().clear()


def test_a_failure_is_found_again():
    nocarrier.record_dial_failure("198.18.0.1:7072", "timeout", "seed", detail="silence", via="198.18.0.9:7072")
    [entry] = nocarrier.get_dial_failures()
    assert (entry.addr, entry.reason, entry.source) == ("198.18.0.1:7072", "timeout", "seed")
    assert (entry.detail, entry.via) == ("silence", "198.18.0.9:7072")


def test_a_success_counts_and_is_not_a_failure():
    nocarrier.record_dial_success("198.18.0.1:7072", "seed", via="198.18.0.9:7072", duration_s=0.25)
    assert nocarrier.get_dial_failures() == []
    assert nocarrier.global_tracker().totals().succeeded == 1


def test_the_newest_come_oldest_first_and_filtered():
    for number in range(150):
        nocarrier.record_dial_failure(f"peer{number}.test:1", ["timeout", "banned"][number % 2], "gossip")
    entries = nocarrier.get_dial_failures()
    assert [entry.addr for entry in entries] == [f"peer{number}.test:1" for number in range(50, 150)]
    assert len(nocarrier.get_dial_failures(limit=3)) == 3
    assert {entry.reason for entry in nocarrier.get_dial_failures(reason="banned")} == {"banned"}
    assert nocarrier.get_dial_failures(source="seed") == []
    assert len(nocarrier.get_dial_failures(addr="peer149.test:1")) == 1
    assert nocarrier.get_dial_failures(since_unix=entries[-1].at_unix + 1) == []


async def test_a_dial_without_a_tracker_is_recorded_there_too():
    async with closed_port() as port:
        with pytest.raises(ConnectionRefusedError):
            async with nocarrier.dial(f"127.0.0.1:{port}") as d:
                await d.connect(timeout_s=2)
    [entry] = nocarrier.get_dial_failures()
    assert (entry.reason, entry.source) == ("connection_refused", "direct")


@pytest.mark.parametrize("value", [None, [], 5, "\udcff", "x" * 1_000_000, float("nan")], ids=lambda v: repr(v)[:12])
def test_no_argument_makes_recording_raise(value):
    nocarrier.record_dial_failure(value, value, value, detail=value, via=value)
    nocarrier.record_dial_success(value, value, via=value, duration_s=value)
    [entry] = nocarrier.get_dial_failures()
    assert (entry.reason, entry.source) == ("other", "other")
    assert nocarrier.global_tracker().totals().succeeded == 1
