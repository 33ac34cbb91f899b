"""The state table of a connection.

Rule 1: which message may come when, and which state follows, is decided only here.
Rule 2: this file does not know which side dialed. Both sides receive the same messages in the same order; they differ
only in what they send in response (see `connection`).

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
Goodbye that we send) and the end of the stream. In ENDED nothing more is read.

A dial-back ends at the second Hello: the dialer, asked in another session to see whether that peer can be dialed, says
so in its Hello. Neither side checks, admits or proves anything, and whatever else is sent on that connection is not
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
    """Represents the preamble in the table; it is not a message."""


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
"""What may come in each state, and the state that follows. Anything else is out of turn."""
