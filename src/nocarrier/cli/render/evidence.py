"""What is known about a failure, in one line for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_WORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "icmp": lambda icmp, _: f"ICMP type {icmp['type']} code {icmp['code']} from {icmp['hop']}",
    "no_neighbour": lambda _, __: "nobody answered for the next hop's address on the link",
    "decided_by": lambda who, _: "this machine itself refused" if who == "local" else "",
    "errno": lambda errno, evidence: "" if "icmp" in evidence else errno,
    "syn_retransmits": lambda count, _: f"{count} more SYNs unanswered" if count else "",
    "speaks": lambda protocol, _: f"{protocol} answered",
    "theirs": lambda theirs, evidence: "ours {}, theirs {}".format(*_differing(evidence.get("ours"), theirs)),
    "ticket": lambda kind, _: f"ticket {kind}",
    "connect_attempts": lambda count, evidence: (
        f"{evidence.get('bytes_received', 0)} bytes on {count} connections" if count > 1 else ""
    ),
    "large_segments_lost": lambda direction, _: f"full segments that are {direction} get lost on the way",
    "limit": lambda limit, evidence: f"{evidence.get('in_use', 'all')} of {limit} in use",
    "loop_lag_s": lambda late_s, _: f"our event loop was {late_s:g} s late",
    "because": lambda reason, _: f"waits because of {reason}",
}
"""How each piece of evidence is said, the most telling first; what is said of none needs no words here."""


def in_words(failure: Mapping[str, Any]) -> str:
    """The evidence, or, where that says nothing, the detail. `failure` is an entry as the API gives it."""
    evidence = failure["evidence"]
    said = [say(evidence[key], evidence) for key, say in _WORDS.items() if evidence.get(key) is not None]
    detail = failure["detail"] or ""
    if detail and evidence.get("stated_by") == "remote":
        detail = f"the peer says: {detail}"
    return "; ".join(filter(None, said)) or detail


def _differing(ours: object, theirs: object) -> tuple[str, str]:
    """Two facts in short, without what they have in common."""
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return str(ours)[:40], str(theirs)[:40]
    keys = [key for key in ours if ours[key] != theirs.get(key)]

    def side(facts: Mapping[str, object]) -> str:
        return " ".join(f"{key} {str(facts.get(key))[:12]}" for key in keys)

    return side(ours), side(theirs)
