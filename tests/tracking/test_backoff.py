"""How long a failed address waits."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.model.taxonomy import Retry, Source
from nocarrier.tracking.backoff import JITTER, LONGEST_FOR_SEEDS_S, delay_s

PEER = {"source": Source.GOSSIP, "addr": "198.18.0.1:7072"}


@pytest.mark.parametrize(
    ("retry", "first_s", "longest_s"), [(Retry.SHORT, 5, 120), (Retry.MID, 30, 1800), (Retry.LONG, 600, 43_200)]
)
def test_the_wait_doubles_from_the_first_to_the_longest(retry, first_s, longest_s):
    for count in range(1, 40):
        plain = min(first_s * 2 ** (count - 1), longest_s)
        assert plain * (1 - JITTER) <= delay_s(retry, count, **PEER) <= plain * (1 + JITTER)


def test_never_is_an_infinite_wait():
    assert delay_s(Retry.NEVER, 1, **PEER) == math.inf
    assert delay_s(Retry.NEVER, 10**9, **PEER) == math.inf


@pytest.mark.parametrize("retry", [retry for retry in Retry if retry is not Retry.NEVER])
@pytest.mark.parametrize("count", [1, 7, 10**9])
def test_a_seed_is_dialed_again_within_minutes_whatever_it_did(retry, count):
    assert delay_s(retry, count, source=Source.SEED, addr="seed.test:1") <= LONGEST_FOR_SEEDS_S * (1 + JITTER)


def test_peers_that_failed_together_are_not_dialed_again_together():
    delays = {delay_s(Retry.MID, 1, source=Source.GOSSIP, addr=f"198.18.0.{n}:7072") for n in range(100)}
    assert len(delays) > 90
    assert max(delays) - min(delays) > 30 * JITTER


def test_the_answer_is_the_same_in_every_process():
    script = (
        "from nocarrier.tracking.backoff import *\n"
        "print(delay_s(Retry.MID, 3, source=Source.GOSSIP, addr='198.18.0.1:7072'))"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert float(other) == delay_s(Retry.MID, 3, **PEER)


@given(st.sampled_from(Retry), st.integers(-(10**12), 10**12), st.sampled_from(Source), st.text())
def test_every_failure_has_a_wait(retry, count, source, addr):
    assert delay_s(retry, count, source=source, addr=addr) > 0
