"""The result of probing a finding, for people: what it means, and the route to each peer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from nocarrier.cli.render.lines import Line
from nocarrier.model.probe import Answer, Hop
from nocarrier.model.wording.numbers import span
from nocarrier.web.views import ProbeView

_SAID = {
    Answer.CONNECTED: "accepts the connection",
    Answer.REFUSED: "refuses (RST)",
    Answer.EXPIRED: "a router on the way",
    Answer.SILENT: "nothing",
    Answer.LOCAL: "this machine does not send it",
}

_IPV4_WIDTH = len("255.255.255.255")

_NOTICEABLE_S = 0.1
"""A shorter time is not shown."""


def probe_lines(result: ProbeView) -> Iterator[Line]:
    """`result` as lines to print."""
    if len(result.statements) == 1 and not result.facts.targets:
        yield Line(2, result.statements[0].text)
        return
    if result.age_s:
        yield Line(2, f"probed {span(result.age_s)} ago (at most once a minute):")
    else:
        took = f" in {result.duration_s:.1f} s" if result.duration_s >= _NOTICEABLE_S else ""
        yield Line(2, f"probed now{took}:")
    for statement in result.statements:
        suggests = f" (suggests {statement.suggests})" if statement.suggests else ""
        yield Line(4, statement.text + suggests, "-")
    for target in result.facts.targets:
        if target.trace is not None and target.trace.hops:
            yield Line(4, f"the route to {target.addr}:")
            yield from _table(target.trace.hops)


def _table(hops: Sequence[Hop]) -> Iterator[Line]:
    width = max(_IPV4_WIDTH, *(len(hop.addr or "") for hop in hops))
    yield Line(6, "what it said", f"{'hop':>5}  {'address':<{width}}  {'ms':>7} ")
    for _, same in itertools.groupby(hops, key=lambda hop: (hop.answer, hop.addr)):
        run = list(same)  # of silent hops, mostly
        first, last = run[0], run[-1]
        ttl = str(first.ttl) if first is last else f"{first.ttl}-{last.ttl}"
        took = "" if first.rtt_s is None else f"{first.rtt_s * 1000:.1f}"
        yield Line(6, _said(first), f"{ttl:>5}  {first.addr or '*':<{width}}  {took:>7} ")


def _said(hop: Hop) -> str:
    if hop.answer == Answer.UNREACHABLE:
        icmp = f" (ICMP type {hop.icmp_type} code {hop.icmp_code})" if hop.icmp_type is not None else ""
        return f"unreachable{icmp}"
    return _SAID.get(hop.answer, hop.answer)
