"""Admission tickets: a private network admits only nodes that hold a ticket signed by the network's issuer.

A ticket is a JSON Web Token (RFC 7519) with EdDSA over Ed25519 (RFC 8037): `sub` is the node id, `aud` the network,
`exp` its end and, if present, `nbf` its beginning. The node proves in the handshake that it owns `sub`, so a copied
ticket admits no other node.
"""

from __future__ import annotations

import functools
import math
import os
import re
import stat
from pathlib import Path
from typing import Annotated

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from nocarrier.errors import StateFileError, TicketError
from nocarrier.model import bounds
from nocarrier.sources.node.access.identity import KEY_FILE_MAX_BYTES, node_id_from_b64url, public_key_b64url
from nocarrier.sources.node.state_files import fsync_folder

MAX_TICKET_LENGTH = 4096
"""Characters, as in the handshake. Our own tickets have some 300; the rest is for issuers that put more into theirs."""

LAST_UNIX_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z: a later time in a ticket is the issuer's mistake, such as milliseconds."""

_NODE_ID = re.compile(r"[0-9a-f]{64}\Z")

# Use only PyJWT's check of the signature: it checks times by the system clock, but the caller passes its own time.
_JWS = jwt.PyJWS(algorithms=["EdDSA"])

_Time = Annotated[float, msgspec.Meta(ge=0, le=LAST_UNIX_SECOND)]


class _Claims(msgspec.Struct):
    """The claims that matter. Decoding checks their types, so that no text or NaN passes as a time."""

    sub: str
    aud: str | list[str]
    exp: _Time
    nbf: _Time = 0


def issue(
    issuer_key: Ed25519PrivateKey,
    *,
    node_id: str,
    network: str,
    now_unix: float,
    valid_for_s: float,
    not_before_unix: float | None = None,
) -> str:
    """Make a ticket for the node `node_id` in `network`, valid for `valid_for_s` seconds.

    They count from `not_before_unix` or, without it, from `now_unix`. Without `not_before_unix` the ticket states no
    beginning, so that it works at once on a machine whose clock is a few seconds behind.

    Raises:
        ValueError: `node_id` is not 64 hex digits, or the ticket would never be valid or never end.
    """
    if not _NODE_ID.match(node_id):
        raise ValueError(f"{bounds.text(node_id)!r} is not a node id; a node id has 64 lower-case hex digits")
    begins_unix = now_unix if not_before_unix is None else not_before_unix
    if not (math.isfinite(valid_for_s) and valid_for_s > 0 and 0 <= begins_unix <= LAST_UNIX_SECOND - valid_for_s):
        raise ValueError("a ticket must be valid for more than 0 s and end before the year 10000")
    claims: dict[str, object] = {"sub": node_id, "aud": network, "iat": int(now_unix)}
    if not_before_unix is not None:
        claims["nbf"] = math.ceil(not_before_unix)
    return jwt.encode({**claims, "exp": math.ceil(begins_unix + valid_for_s)}, issuer_key, algorithm="EdDSA")


def verify(ticket: str | None, *, admission_key: str, node_id: str, network: str, now_unix: float) -> None:
    """Return if `ticket` admits `node_id` to `network` at `now_unix`; otherwise raise.

    A fault that no new ticket for this node would fix is reported first, so `expired` means that renewing helps.
    Anything that our issuer did not sign as a ticket for this network is `bad_signature`: undecodable or oversized
    text, another algorithm, another key, missing or absurd claims, another network.

    Args:
        ticket: the text that the peer showed. Hostile.
        admission_key: the issuer's public key, base64url of its 32 bytes.
        node_id: the node id that the peer has proved.
        network: this node's network.
        now_unix: Unix seconds.

    Raises:
        TicketError: with kind missing, bad_signature, wrong_subject, not_yet_valid or expired.
        ValueError: `admission_key` is not a key.
    """
    if not ticket:
        raise TicketError("missing", "this network admits only nodes with a ticket, and none was shown")
    claims = _signed_claims(ticket, _public_key(admission_key))
    if network not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise TicketError("bad_signature", f"the ticket is for network {bounds.text(claims.aud, 80)}, not {network}")
    if claims.sub != node_id:
        raise TicketError("wrong_subject", f"the ticket is for node {bounds.text(claims.sub, 80)}, not {node_id}")
    # RFC 7519 section 4.1.4: not accepted at or after the time in exp; 4.1.5: not before the time in nbf.
    if now_unix < claims.nbf:
        raise TicketError("not_yet_valid", f"the ticket begins at {claims.nbf:.0f}, and it is {now_unix:.0f} here")
    if now_unix >= claims.exp:
        raise TicketError("expired", f"the ticket ended at {claims.exp:.0f}, and it is {now_unix:.0f} here")


def _signed_claims(ticket: str, key: Ed25519PublicKey) -> _Claims:
    if len(ticket) > MAX_TICKET_LENGTH:
        raise TicketError(
            "bad_signature", f"a ticket of {len(ticket)} characters; at most {MAX_TICKET_LENGTH} are read"
        )
    try:
        payload = _JWS.decode(ticket, key, algorithms=["EdDSA"])
    except jwt.InvalidSignatureError as error:
        raise TicketError("bad_signature", "the ticket is not signed by the issuer of this network") from error
    # Besides PyJWT's own errors, text that is not UTF-8 and a header of endless brackets raise errors of their own.
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TicketError("bad_signature", f"not a ticket: {bounds.text(str(error), 80)}") from error
    try:
        return msgspec.json.decode(payload, type=_Claims)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TicketError("bad_signature", f"signed, but not a ticket: {bounds.text(str(error), 80)}") from error


@functools.lru_cache(maxsize=16)
def _public_key(admission_key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(node_id_from_b64url(admission_key)))


# ---- the issuer's key ---------------------------------------------------------------------------------------------


def admission_key_of(issuer_key: Ed25519PrivateKey) -> str:
    """The value of ``admission_key`` for the nodes of the network: the public key, base64url of its 32 bytes."""
    return public_key_b64url(issuer_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex())


def create_issuer_key(path: Path) -> Ed25519PrivateKey:
    """Create an issuer key and save it at `path`: PEM (PKCS #8), readable only by its owner.

    Raises:
        StateFileError: the file exists already, or it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    try:
        # O_EXCL: replacing an issuer key would invalidate every ticket made with it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        fsync_folder(path.parent)
    except FileExistsError as error:
        raise StateFileError(f"{path} exists and is not replaced; name a new file for a new issuer key") from error
    except OSError as error:
        raise StateFileError(f"cannot write {path}: {error.strerror}; make {path.parent} a writable folder") from error
    return key


def load_issuer_key(path: Path) -> Ed25519PrivateKey:
    """Load the issuer key that `create_issuer_key` or ``openssl genpkey -algorithm ed25519`` wrote.

    Raises:
        StateFileError: missing, unreadable, readable by others, or not an Ed25519 private key.
    """
    try:
        with path.open("rb") as file:
            others_may_read = os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
            pem = file.read(KEY_FILE_MAX_BYTES)
    except OSError as error:
        raise StateFileError(f"cannot read the issuer key {path}: {error.strerror}") from error
    if others_may_read:  # as ssh(1) checks its own keys
        raise StateFileError(f"{path} holds the issuer's private key, but others can read it; run: chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_an_issuer_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_an_issuer_key(path)
    return key


def _not_an_issuer_key(path: Path) -> StateFileError:
    return StateFileError(f"{path} is not an Ed25519 private key in PEM without a password")
