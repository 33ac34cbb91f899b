"""What is known about a failure, in one line for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nocarrier.cli.render.text import clock_time, took_in_words
from nocarrier.model.evidence import ValueForm, say_evidence
from nocarrier.model.wording.numbers import SHOWN_ID_DIGITS


def in_words(failure: Mapping[str, Any]) -> str:
    """The evidence, or the detail if the evidence says nothing. `failure` is an entry as the API gives it."""
    evidence = failure["evidence"]
    sides = [_sides(evidence)] if evidence.get("theirs") is not None else []
    detail = failure["detail"] or ""
    if detail and evidence.get("stated_by") == "remote":
        detail = f"the peer says: {detail}"
    return "; ".join([*sides, *say_evidence(evidence, _shown, is_short=True)]) or detail


def _shown(form: ValueForm, value: object) -> str:
    match form, value:
        case ValueForm.SECONDS, int() | float():
            return took_in_words(value)
        case ValueForm.TIME, _:
            return clock_time(value)
        case ValueForm.ADDRESSES, list() | tuple():
            return ", ".join(map(str, value))
        case ValueForm.NAME, _:
            return str(value).replace("_", " ")
        case _:
            return str(value)


def _sides(evidence: Mapping[str, Any]) -> str:
    return "ours {}, theirs {}".format(*_differing(evidence.get("ours"), evidence["theirs"]))


def _differing(ours: object, theirs: object) -> tuple[str, str]:
    """Two facts in short, without the parts that are the same."""
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return str(ours)[:40], str(theirs)[:40]
    keys = [key for key in ours if ours[key] != theirs.get(key)]

    def side(facts: Mapping[str, object]) -> str:
        return " ".join(f"{key} {str(facts.get(key))[:SHOWN_ID_DIGITS]}" for key in keys)

    return side(ours), side(theirs)
