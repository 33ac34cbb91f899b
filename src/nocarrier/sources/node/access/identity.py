"""The node's identity: an Ed25519 key (RFC 8032) in a file of its own. The node id is the public key in hex."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from nocarrier.errors import StateFileError

PUBLIC_KEY_BYTES = 32

KEY_FILE_MAX_BYTES = 4096
"""An Ed25519 key in PEM takes 119 bytes; a larger file is something else."""


class Identity:
    """A private key and what is made with it. Never reveals the key."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.node_id = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        """64 lower-case hex digits."""

    @classmethod
    def generate(cls) -> Identity:
        """A new identity that is not saved anywhere."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load_or_create(cls, path: Path) -> Identity:
        """Load the identity from the PEM file `path` (PKCS #8, unencrypted); if missing, create it with mode 0600.

        An existing file is never replaced: with another key this would be another node to everybody else. If two
        processes start at the same time, both get the key of the first.

        Raises:
            StateFileError: unreadable, readable by others, not an Ed25519 key, or it cannot be created.
        """
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _create(path, cls.generate())
            pem = _read(path)
        except OSError as error:
            raise StateFileError(f"{path}: {error}; the node needs this file to keep its id") from error
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _not_a_key(path) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _not_a_key(path)
        return cls(key)

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`, 64 bytes."""
        return self._private_key.sign(data)

    def __repr__(self) -> str:
        return f"Identity({self.node_id})"


def verify(node_id: str, signature: bytes, data: bytes) -> bool:
    """Whether the holder of `node_id`'s key signed `data`. False for anything malformed; never raises."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(node_id)).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_b64url(node_id: str) -> str:
    """`node_id` as base64url of its 32 bytes without padding, like ``x`` in a JWK (RFC 8037 section 2)."""
    return base64.urlsafe_b64encode(bytes.fromhex(node_id)).rstrip(b"=").decode()


def node_id_from_b64url(text: str) -> str:
    """The node id whose `public_key_b64url` is `text`.

    Raises:
        ValueError: not 43 characters of base64url that encode 32 bytes.
    """
    try:
        key = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    # The last character has two spare bits; accept only one spelling of a key.
    if len(key) != PUBLIC_KEY_BYTES or public_key_b64url(key.hex()) != text:
        raise ValueError("an Ed25519 public key in base64url has 43 characters of A-Z a-z 0-9 - _")
    return key.hex()


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a pipe in place of the file must not block the start.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise StateFileError(f"{path} is not a regular file; move it away or set another data_dir")
        if status.st_mode & 0o077:  # as ssh(1) does with its own keys
            raise StateFileError(f"{path} holds the node's private key, but others can read it; run: chmod 600 {path}")
        return file.read(KEY_FILE_MAX_BYTES)


def _create(path: Path, identity: Identity) -> None:
    """Write a complete file beside `path`, then link it to that name: a link never replaces an existing file."""
    pem = identity._private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # noqa: SLF001
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        beside.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _not_a_key(path: Path) -> StateFileError:
    return StateFileError(
        f"{path} does not hold an unencrypted Ed25519 private key in PEM; restore it from a backup, "
        "or move it away to start with a new node id"
    )
