"""The state table of a connection.

Rule 1: which message may come when, and what state follows, is decided here and nowhere else.
Rule 2: this file does not know whether we dialed or listen. Both sides hear the same words in the same order; they
differ only in what they say on hearing them (see `connection`).

```
            dialer                                    listener
   AWAIT_PREAMBLE                             AWAIT_PREAMBLE
        │   Preamble, Hello ───────────────────▶ │
   AWAIT_HELLO                                   │ checks what Hello claims, asks admit(proven=False)
        │ ◀─────────────────── Preamble, Hello   │
        │ checks likewise                     AWAIT_AUTH
        │   Auth ──────────────────────────────▶ │
   AWAIT_AUTH                                    │ verifies, asks admit(proven=True)
        │ ◀───────────────────── Auth, Welcome   │
        │ verifies, asks likewise             AWAIT_WELCOME
   AWAIT_WELCOME                                 │
        │   Welcome ───────────────────────────▶ │
   SESSION                                    SESSION
```

Two things lead to ENDED besides the table: our own verdict (a failed check, a refused admission, broken bytes, a
Goodbye that we say) and the end of the stream. In ENDED nothing is read any more.

A dial-back ends at the second Hello: the dialer, asked in a session elsewhere to see whether that peer can be dialed,
says so in its Hello. Nobody checks, admits or proves anything, and whatever else is said on that connection is not
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from nocarrier.sources.node.wire.messages import (
    Auth,
    DialBack,
    DialBackResult,
    GetPeers,
    Goodbye,
    Hello,
    PeerList,
    Ping,
    Pong,
    Reject,
    Welcome,
    WireMessage,
)


class Preamble:
    """Stands in the table for the preamble, which is no message."""


Incoming: TypeAlias = type[Preamble] | type[WireMessage]


class State(Enum):
    """What this side waits for. The value is for people."""

    AWAIT_PREAMBLE = "waiting for its preamble"
    AWAIT_HELLO = "waiting for its Hello"
    AWAIT_AUTH = "waiting for its Auth"
    AWAIT_WELCOME = "waiting for its Welcome"
    SESSION = "in session"
    ENDED = "ended"


TRANSITIONS: Mapping[State, Mapping[Incoming, State]] = MappingProxyType(
    {
        State.AWAIT_PREAMBLE: {Preamble: State.AWAIT_HELLO},
        State.AWAIT_HELLO: {Hello: State.AWAIT_AUTH, Reject: State.ENDED},
        State.AWAIT_AUTH: {Auth: State.AWAIT_WELCOME, Reject: State.ENDED},
        State.AWAIT_WELCOME: {Welcome: State.SESSION, Reject: State.ENDED},
        State.SESSION: {
            Ping: State.SESSION,
            Pong: State.SESSION,
            GetPeers: State.SESSION,
            PeerList: State.SESSION,
            DialBack: State.SESSION,
            DialBackResult: State.SESSION,
            Goodbye: State.ENDED,
        },
        State.ENDED: {},
    }
)
"""What may come in each state, and the state that follows. What is not here is out of turn."""
