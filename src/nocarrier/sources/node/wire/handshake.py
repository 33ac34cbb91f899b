"""One side's part in the handshake: what it answers to each message, and its verdict. `state` gives the order."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from nocarrier.errors import WireError
from nocarrier.model.fault import Evidence
from nocarrier.model.taxonomy import Reason
from nocarrier.sources.node.wire.claims import (
    REJECT_CODES,
    TICKET_KINDS,
    HelloPair,
    LocalPeer,
    Rejection,
    RemotePeer,
    Role,
    proof,
)
from nocarrier.sources.node.wire.events import DialedBack, HandshakeCompleted, HandshakeFailed
from nocarrier.sources.node.wire.messages import NONCE_BYTES, WELCOME_PEERS_MAX, Auth, Hello, Reject, Welcome, encode

HandshakeOutcome: TypeAlias = HandshakeCompleted | HandshakeFailed | DialedBack


class AdmissionRules(Protocol):
    """Decides whether we accept a peer."""

    def __call__(self, remote: RemotePeer, *, proven: bool) -> Rejection | None:
        """Return why not, or None to continue.

        Called twice on either side: after Hello with `proven` false, for what is known without proof (a ban of the
        address or of the claimed node id, no free slot), and after Auth with `proven` true.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one side contributes to a handshake.

    Raises:
        ValueError: more than 16 peers in `welcome`.
    """

    role: Role
    local: LocalPeer
    sign: Callable[[bytes], bytes]
    """Makes a signature of 64 bytes with the key of our node id."""
    verify: Callable[[str, bytes, bytes], bool]
    """Whether node id, signature and data belong together. Must not raise."""
    admit: AdmissionRules
    welcome: Welcome
    """What we tell the other side once we accept it: where we see it, and at most 16 peers."""
    expected_node_id: str | None = None
    """Which node must be at the other end, if that is known."""
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_BYTES))
    """Never used on another connection."""
    dial_back: bool = False
    """Whether we dial only to see which node answers; then we end after its Hello, and `admit` is never called."""

    def __post_init__(self) -> None:
        named = len(self.welcome.peers)
        if named > WELCOME_PEERS_MAX:
            raise ValueError(f"{named} peers to share; Welcome can hold at most {WELCOME_PEERS_MAX}")


class Handshake:
    """Answers Hello, Auth, Welcome and Reject; `send` is called with the body of each outgoing message."""

    def __init__(self, terms: Terms, send: Callable[[bytes], None]) -> None:
        self._terms = terms
        self._send = send
        self._our_hello: Hello | None = None
        self._our_hello_body = b""
        self._hellos: HelloPair | None = None
        self._proofs: dict[Role, bytes] = {}
        self.remote: RemotePeer | None = None
        """What the other side says about itself, once it has sent its Hello."""

    def introduce(self, now_unix: float) -> Hello:
        """Send our Hello, unless that is done already."""
        if self._our_hello is None:
            terms = self._terms
            self._our_hello = terms.local.hello(nonce=terms.nonce, clock_unix=now_unix, dial_back=terms.dial_back)
            self._our_hello_body = encode(self._our_hello)
            self._send(self._our_hello_body)
        return self._our_hello

    def receive(
        self, message: Hello | Auth | Welcome | Reject, body: bytes, now_unix: float
    ) -> HandshakeOutcome | None:
        """Answer `message`, which came in `body`; returns the outcome if that ends the handshake.

        Raises:
            WireError: the signature in Auth does not prove the node id.
        """
        match message:
            case Hello():
                return self._receive_hello(message, body, now_unix)
            case Auth():
                return self._receive_auth(message, now_unix)
            case Welcome():
                return self._receive_welcome(message)
            case Reject():
                return self._receive_reject(message)

    def reject(self, rejection: Rejection, now_unix: float, evidence: Evidence | None = None) -> HandshakeFailed:
        """Tell the other side that we reject it, and why."""
        self.introduce(now_unix)
        self._send(encode(rejection.message()))
        evidence = Evidence() if evidence is None else evidence
        if rejection.ticket is not None:
            evidence["ticket"] = rejection.ticket
        if rejection.until_unix is not None:
            evidence["until_unix"] = rejection.until_unix
        return self.fail(rejection.reason, rejection.detail, evidence)

    def fail(self, reason: Reason, detail: str, evidence: Evidence) -> HandshakeFailed:
        """End the handshake without a session. The verdict is ours unless `evidence` says otherwise."""
        evidence.setdefault("stated_by", "us")
        return HandshakeFailed(reason=reason, detail=detail, evidence=evidence, remote=self.remote)

    def _receive_hello(self, hello: Hello, body: bytes, now_unix: float) -> HandshakeFailed | DialedBack | None:
        if body == self._our_hello_body:  # our nonce was drawn for this connection: an echo service, not ourselves
            return self.fail(Reason.NOT_OUR_PROTOCOL, "it sends our own bytes back", Evidence(speaks="echo"))
        # Before any verdict: the other side must see the facts that the verdict is based on.
        ours = self.introduce(now_unix)
        self.remote = RemotePeer.from_hello(hello, now_unix)
        terms = self._terms
        # Only a dialer may say it: a flag of the listener must not keep a dialer from its session.
        if terms.dial_back or (terms.role is Role.LISTENER and hello.dial_back):
            return DialedBack(remote=self.remote)
        hellos = (self._our_hello_body, body) if terms.role is Role.DIALER else (body, self._our_hello_body)
        self._proofs = {role: proof(role, *hellos) for role in Role}
        self._hellos = HelloPair.at(now_unix, ours, hello)
        mismatch = self._hellos.mismatch()
        if mismatch is not None:
            return self.reject(Rejection(reason=mismatch), now_unix, self._hellos.evidence(mismatch))
        rejection = terms.admit(self.remote, proven=False)
        if rejection is not None:
            return self.reject(rejection, now_unix)
        if terms.role is Role.DIALER:
            self._send_auth()
        return None

    def _receive_auth(self, auth: Auth, now_unix: float) -> HandshakeFailed | None:
        assert self.remote is not None, "the table allows no Auth before Hello"
        terms, proven_id = self._terms, self.remote.node_id
        if not terms.verify(proven_id, auth.signature, self._proofs[terms.role.other]):
            raise WireError("the signature in Auth does not prove the node id")
        if terms.expected_node_id not in {None, proven_id}:
            ids = Evidence(ours={"node_id": terms.expected_node_id}, theirs={"node_id": proven_id})
            return self.reject(Rejection(reason=Reason.PEER_ID_MISMATCH), now_unix, ids)
        rejection = terms.admit(self.remote, proven=True)
        if rejection is not None:
            return self.reject(rejection, now_unix)
        if terms.role is Role.LISTENER:
            self._send_auth()
            self._send(encode(terms.welcome))
        return None

    def _receive_welcome(self, welcome: Welcome) -> HandshakeCompleted:
        assert self.remote is not None, "the table allows no Welcome before Hello"
        assert self._hellos is not None
        if self._terms.role is Role.DIALER:
            self._send(encode(self._terms.welcome))
        return HandshakeCompleted(remote=self.remote, version=self._hellos.version, welcome=welcome)

    def _receive_reject(self, reject: Reject) -> HandshakeFailed:
        reason = REJECT_CODES.get(reject.code, Reason.HANDSHAKE_ERROR)
        evidence = self._hellos.evidence(reason) if self._hellos else Evidence()
        evidence["stated_by"] = "remote"
        if reason is Reason.TICKET_INVALID and reject.ticket in TICKET_KINDS:
            evidence["ticket"] = reject.ticket
        if reject.until_unix is not None:
            evidence["until_unix"] = reject.until_unix
        detail = reject.detail
        if reject.code not in REJECT_CODES:
            detail = f"rejected with the unknown code {reject.code}" + (f": {detail}" if detail else "")
        return self.fail(reason, detail, evidence)

    def _send_auth(self) -> None:
        self._send(encode(Auth(signature=self._terms.sign(self._proofs[self._terms.role]))))
