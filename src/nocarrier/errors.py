"""Everything that nocarrier raises.

Failures of the network are values (:class:`~nocarrier.model.fault.Fault`), recorded and shown; what is raised here is
either about the caller's own input or carries a peer's word.

```
NocarrierError
├─ AddressError (ValueError)     an address that cannot be dialed as it is written
├─ ConfigError (ValueError)      a setting that cannot work: says file, key, value and what is allowed
├─ PeerRejected                  a handshake ended with a stated reason: the peer's, or this side's own
├─ DialSkipped                   policy prevented a dial, or stopped it after its name was resolved
├─ WireError (ValueError)        bytes that break the protocol
├─ TicketError (ValueError)      an admission ticket that is not valid
├─ HistoryError                  the history cannot be read now
├─ CursorError (ValueError)      a cursor that did not come from a page of the history
├─ PlaceError (ValueError)       a text that does not name a place in the history
├─ UnknownRunError               a run of a program that the history does not have
├─ RangeError (ValueError)       a time range that cannot be counted as requested
├─ StateFileError                a file of the node's own state cannot be read or written
├─ NodeUnreachableError          the client cannot reach the node that it asks
│  └─ AnotherApiError            the server speaks another version of the API, or is not a node
└─ RequestRefusedError           the node answers, and refuses what was asked
   └─ NoHistoryError             it keeps no history
```
"""

from __future__ import annotations

from collections.abc import Mapping


class NocarrierError(Exception):
    """Root of everything nocarrier raises itself."""


class AddressError(NocarrierError, ValueError):
    """An address that cannot be dialed as it is written; the text says what to change."""


class ConfigError(NocarrierError, ValueError):
    """A setting that cannot work; the text names the file, the key, the value and what is allowed.

    Attributes:
        flag: the flag of the command line that gave the value, such as ``--node-target-peers``; None: it came from
            elsewhere.
    """

    def __init__(self, text: str, *, flag: str | None = None) -> None:
        super().__init__(text)
        self.flag = flag


class PeerRejected(NocarrierError):  # noqa: N818 - users know it by this name
    """The handshake ended with a stated reason.

    Raise it inside `nocarrier.dial()` to have that reason recorded.

    Attributes:
        reason: name of a reason in the taxonomy, such as ``version_mismatch``. An unknown name is recorded as
            ``other`` with the name in the detail.
        detail: free text for people; may come from the peer and is treated as hostile.
        evidence: facts by the keys of evidence, such as ``ours`` and ``theirs``.
    """

    def __init__(self, reason: str, detail: str | None = None, *, evidence: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
        self.evidence = dict(evidence or {})


class DialSkipped(NocarrierError):  # noqa: N818 - an outcome, not an error of the caller
    """Policy does not allow this dial.

    Attributes:
        reason: name of the policy's reason in the taxonomy.
        detail: what decided, for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class WireError(NocarrierError, ValueError):
    """Bytes that break the protocol."""


class TicketError(NocarrierError, ValueError):
    """An admission ticket that is not valid.

    Attributes:
        kind: missing, expired, not_yet_valid, bad_signature or wrong_subject.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class StateFileError(NocarrierError):
    """A file of the node's own state cannot be read or written; the text says which and what to change."""


class HistoryError(NocarrierError):
    """The history cannot be read now; the text says why, and what to change."""


class CursorError(NocarrierError, ValueError):
    """A cursor that did not come from a page of the history."""


class PlaceError(NocarrierError, ValueError):
    """A text that does not name a place in the history."""


class UnknownRunError(NocarrierError):
    """A run of a program that the history does not have, or no longer has; the text says what to do."""


class RangeError(NocarrierError, ValueError):
    """A time range that cannot be counted as requested; the text says what to change."""


class NodeUnreachableError(NocarrierError):
    """The client cannot reach the node that it asks; the text says what to change."""


class AnotherApiError(NodeUnreachableError):
    """The server speaks another version of the API, or is not a node; the text names what its answer lacks."""


class RequestRefusedError(NocarrierError):
    """The node answers, and refuses what was asked.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


class NoHistoryError(RequestRefusedError):
    """The node keeps no history."""
