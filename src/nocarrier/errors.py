"""All exceptions that nocarrier raises.

Failures of the network are values (:class:`~nocarrier.model.fault.Fault`), recorded and shown. An exception is either
about the caller's own input or reports what a peer said.

```
NocarrierError
├─ AddressError (ValueError)     a malformed address
├─ ConfigError (ValueError)      a setting that cannot work: says file, key, value and what is allowed
├─ PeerRejected                  a handshake ended with a stated reason: the peer's, or this side's own
├─ DialSkipped                   policy prevented a dial, or stopped it after its name was resolved
├─ WireError (ValueError)        bytes that break the protocol
├─ TicketError (ValueError)      an admission ticket that is not valid
├─ HistoryError                  the history cannot be read at the moment
├─ CursorError (ValueError)      a cursor that did not come from a page of the history
├─ PlaceError (ValueError)       a text that does not name a place in the history
├─ UnknownRunError               a run of a program that is not in the history
├─ RangeError (ValueError)       a time range that cannot be counted as requested
├─ StateFileError                a file of the node's own state cannot be read or written
├─ NodeUnreachableError          the client cannot reach the node that it asks
│  └─ AnotherApiError            the server uses another version of the API, or is not a node
└─ RequestRefusedError           the node answers and refuses the request
   └─ NoHistoryError             it keeps no history
```
"""

from __future__ import annotations

from collections.abc import Mapping


class NocarrierError(Exception):
    """The base class of all exceptions that nocarrier raises itself."""


class AddressError(NocarrierError, ValueError):
    """A malformed address; the text says what to change."""


class ConfigError(NocarrierError, ValueError):
    """A setting that cannot work; the text names the file, the key, the value and what is allowed.

    Attributes:
        flag: the command-line flag that set the value, such as ``--node-target-peers``; None if it was set elsewhere.
    """

    def __init__(self, text: str, *, flag: str | None = None) -> None:
        super().__init__(text)
        self.flag = flag


class PeerRejected(NocarrierError):  # noqa: N818 - users know it by this name
    """The handshake ended with a stated reason.

    Raise it inside `nocarrier.dial()` to have that reason recorded.

    Attributes:
        reason: the name of a reason in the taxonomy, such as ``version_mismatch``. An unknown name is recorded as
            ``other`` with the name in the detail.
        detail: free text for people; may come from the peer and is treated as hostile.
        evidence: facts, with the keys of evidence, such as ``ours`` and ``theirs``.
    """

    def __init__(self, reason: str, detail: str | None = None, *, evidence: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
        self.evidence = dict(evidence or {})


class DialSkipped(NocarrierError):  # noqa: N818 - an outcome, not an error of the caller
    """Policy does not allow this dial.

    Attributes:
        reason: the name of the policy's reason in the taxonomy.
        detail: what decided it, for people.
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
    """The history cannot be read at the moment; the text says why, and what to change."""


class CursorError(NocarrierError, ValueError):
    """A cursor that did not come from a page of the history."""


class PlaceError(NocarrierError, ValueError):
    """A text that does not name a place in the history."""


class UnknownRunError(NocarrierError):
    """A run of a program that is not, or no longer, in the history; the text says what to do."""


class RangeError(NocarrierError, ValueError):
    """A time range that cannot be counted as requested; the text says what to change."""


class NodeUnreachableError(NocarrierError):
    """The client cannot reach the node that it asks; the text says what to change."""


class AnotherApiError(NodeUnreachableError):
    """The server uses another version of the API, or is not a node; the text names what its answer lacks."""


class RequestRefusedError(NocarrierError):
    """The node answers and refuses the request.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


class NoHistoryError(RequestRefusedError):
    """The node keeps no history."""
