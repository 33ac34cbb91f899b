"""Why sessions end: one table of the codes, with what each means and what it says about the other side.

A session is ended by us or by the peer; "the other side" is the one that did not end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class SessionEndCode(StrEnum):
    """Why a session ended. A peer may state another word in its Goodbye, as a later version may know more of them."""

    SHUTTING_DOWN = "shutting_down"
    DUPLICATE_CONNECTION = "duplicate_connection"
    TOO_MANY_PEERS = "too_many_peers"
    BANNED = "banned"
    PROTOCOL_VIOLATION = "protocol_violation"
    FLOODING = "flooding"
    PING_TIMEOUT = "ping_timeout"
    SEND_TIMEOUT = "send_timeout"
    CLOSED = "closed"
    CONNECTION_LOST = "connection_lost"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEndFacts:
    """What one code stands for."""

    meaning: str
    """What happened, for people; it follows "this node ended it: " or "the peer ended it: "."""
    other_gave_cause: bool = False
    """Whether the other side gave cause for it; else it was the wish of the side that ended the session, or chance."""
    is_impatience: bool = False
    """Whether a side ends a session so when the other one lets it wait."""
    is_recorded: bool = True
    """Whether such an end soon after the handshake is worth an entry."""
    counts_against_peer: bool = True
    """Whether a peer that ends a session so is to be dialed less often."""


SESSION_ENDS: Mapping[SessionEndCode, SessionEndFacts] = MappingProxyType(
    {
        SessionEndCode.SHUTTING_DOWN: SessionEndFacts(meaning="shutting down", counts_against_peer=False),
        SessionEndCode.DUPLICATE_CONNECTION: SessionEndFacts(
            meaning="another connection between the same two nodes stays", is_recorded=False
        ),
        SessionEndCode.TOO_MANY_PEERS: SessionEndFacts(meaning="no place is free"),
        SessionEndCode.BANNED: SessionEndFacts(meaning="the other side is banned"),
        SessionEndCode.PROTOCOL_VIOLATION: SessionEndFacts(
            meaning="the other side broke the protocol", other_gave_cause=True
        ),
        SessionEndCode.FLOODING: SessionEndFacts(
            meaning="the other side sent too many messages", other_gave_cause=True
        ),
        SessionEndCode.PING_TIMEOUT: SessionEndFacts(
            meaning="the other side stopped answering", other_gave_cause=True, is_impatience=True
        ),
        SessionEndCode.SEND_TIMEOUT: SessionEndFacts(
            meaning="the other side stopped reading", other_gave_cause=True, is_impatience=True
        ),
        SessionEndCode.CLOSED: SessionEndFacts(meaning="closed without a goodbye", is_impatience=True),
        SessionEndCode.CONNECTION_LOST: SessionEndFacts(meaning="the connection broke", is_impatience=True),
        SessionEndCode.INTERNAL_ERROR: SessionEndFacts(meaning="an error inside the program that ended it"),
    }
)

_BY_WORD: Mapping[str, SessionEndFacts] = {code.value: facts for code, facts in SESSION_ENDS.items()}

_UNKNOWN = SessionEndFacts(meaning="")


def session_end_facts(code: str) -> SessionEndFacts:
    """The facts of `code`; a word that this version does not know has no meaning."""
    return _BY_WORD.get(code, _UNKNOWN)
