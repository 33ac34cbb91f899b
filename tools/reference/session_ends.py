"""The page of why sessions end."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.model.node.session_end import SESSION_ENDS
from reference.markdown import generated_from, table


def session_ends() -> Iterator[str]:
    """Every code with its meaning and consequences."""
    yield generated_from("src/nocarrier/model/node/session_end.py")
    yield "# Why sessions end"
    yield (
        "A session of a node ends with one of these codes. It is in the detail of an `early_disconnect`, and in the "
        "Goodbye that *the other side* receives, which is the side that did not end the session. A peer with a later "
        "version may send another code, which is shown as it is."
    )
    yield table(
        ("code", "meaning", "the other side gave cause", "early end recorded", "counts against a peer that ends so"),
        (
            (
                f"`{code}`",
                facts.meaning,
                "yes" if facts.other_gave_cause else "no",
                "yes" if facts.is_recorded else "no",
                "yes" if facts.counts_against_peer and facts.is_recorded else "no",
            )
            for code, facts in SESSION_ENDS.items()
        ),
    )
