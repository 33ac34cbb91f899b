"""What one peer may ask of this node, tested with a clock that is passed in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nocarrier.sources.node.rate_limit import TokenBucket


def test_the_burst_is_allowed_at_once_and_no_more():
    bucket = TokenBucket(1.0, 5, now_s=0)
    assert bucket.take(3, 0) == 3
    assert bucket.take(3, 0) == 2
    assert bucket.take(3, 0) == 0


def test_tokens_come_back_with_time_up_to_the_burst():
    bucket = TokenBucket(2.0, 5, now_s=0)
    bucket.take(5, 0)
    assert bucket.take(5, 1) == 2
    assert bucket.take(99, 1000) == 5


def test_slow_requests_lose_no_fractions():
    bucket = TokenBucket(0.125, 1, now_s=0)
    bucket.take(1, 0)
    assert [bucket.take(1, second) for second in range(1, 9)].count(1) == 1


@given(
    per_s=st.floats(0.01, 100),
    burst=st.integers(1, 500),
    asked=st.lists(st.tuples(st.floats(0, 10), st.integers(1, 1000)), max_size=50),
)
def test_never_more_than_burst_and_rate_allow(per_s, burst, asked):
    bucket = TokenBucket(per_s, burst, now_s=0)
    now_s, given_total = 0.0, 0
    for pause_s, wanted in asked:
        now_s += pause_s
        allowed = bucket.take(wanted, now_s)
        assert 0 <= allowed <= wanted
        given_total += allowed
        assert given_total <= burst + per_s * now_s + 1e-6
