"""The node's key: kept, protected, never replaced."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from nocarrier.errors import StateFileError
from nocarrier.sources.node.access.identity import Identity, node_id_from_b64url, public_key_b64url, verify


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "node.key"


def write(path, content: bytes, mode: int = 0o600) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(mode)


def pem(key, encryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_an_identity_is_made_once_and_stays(path):
    first, second = Identity.load_or_create(path), Identity.load_or_create(path)
    assert first.node_id == second.node_id
    assert verify(first.node_id, second.sign(b"data"), b"data")


def test_only_the_owner_can_read_the_key_and_nothing_else_is_left(path):
    old_umask = os.umask(0)
    try:
        Identity.load_or_create(path)
    finally:
        os.umask(old_umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_the_node_id_is_the_public_key_in_hex(path):
    identity = Identity.load_or_create(path)
    assert len(bytes.fromhex(identity.node_id)) == 32
    assert identity.node_id == identity.node_id.lower()


def test_the_key_appears_in_no_text(path):
    identity = Identity.load_or_create(path)
    secret = path.read_bytes().splitlines()[1].decode()
    assert secret not in repr(identity)
    assert identity.node_id in repr(identity)


def test_processes_that_start_at_once_get_the_same_key(path):
    ids: list[str] = []
    start = threading.Barrier(8)

    def begin() -> None:
        start.wait()
        ids.append(Identity.load_or_create(path).node_id)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        bytes(10_000),
        pem(Ed25519PrivateKey.generate(), NoEncryption())[:-40],
        pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret")),
        pem(generate_private_key(SECP256R1()), NoEncryption()),
    ],
    ids=["empty", "garbage", "zeros", "cut", "encrypted", "other kind"],
)
def test_a_file_that_is_not_our_key_stops_the_start_and_is_left_alone(path, content):
    write(path, content)
    with pytest.raises(StateFileError, match="does not hold an unencrypted Ed25519 private key") as caught:
        Identity.load_or_create(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused_with_the_command_that_fixes_it(path, mode):
    write(path, pem(Ed25519PrivateKey.generate(), NoEncryption()), mode)
    with pytest.raises(StateFileError, match=f"chmod 600 {path}"):
        Identity.load_or_create(path)


def test_a_pipe_in_place_of_the_file_does_not_block_the_start(path):
    path.parent.mkdir()
    os.mkfifo(path, 0o600)
    with pytest.raises(StateFileError, match="not a regular file"):
        Identity.load_or_create(path)


def test_a_folder_in_place_of_the_file_is_named(path):
    path.mkdir(parents=True)
    with pytest.raises(StateFileError, match=str(path)):
        Identity.load_or_create(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateFileError, match=r"File exists: .*file"):
        Identity.load_or_create(tmp_path / "file" / "node.key")


def test_a_dangling_link_is_named_and_not_followed_for_writing(tmp_path):
    link = tmp_path / "node.key"
    link.symlink_to(tmp_path / "nowhere" / "node.key")
    with pytest.raises(StateFileError, match=str(link)):
        Identity.load_or_create(link)
    assert list(tmp_path.iterdir()) == [link]


def test_the_file_is_pem_as_other_programs_read_it(path):
    """RFC 7468 section 10: PKCS #8, unencrypted."""
    identity = Identity.load_or_create(path)
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    key = jwt.algorithms.OKPAlgorithm().prepare_key(path.read_bytes())
    assert key.public_key().public_bytes_raw().hex() == identity.node_id


def test_only_the_right_key_signature_and_data_verify():
    identity, other = Identity.generate(), Identity.generate()
    signature = identity.sign(b"data")
    assert verify(identity.node_id, signature, b"data")
    assert not verify(other.node_id, signature, b"data")
    assert not verify(identity.node_id, signature, b"date")
    assert not verify(identity.node_id, other.sign(b"data"), b"data")


@pytest.mark.parametrize("node_id", ["", "zz" * 32, "00" * 31, "ff" * 32, "ü" * 64])
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), b"\xff" * 64])
def test_verify_says_no_to_anything_malformed(node_id, signature):
    assert verify(node_id, signature, b"data") is False


def test_base64url_goes_both_ways():
    identity = Identity.generate()
    text = public_key_b64url(identity.node_id)
    assert len(text) == 43
    assert node_id_from_b64url(text) == identity.node_id


def test_the_key_of_rfc_8037_is_read():
    """Appendix A.2 and A.3: its JWK's x, and the same key in hex."""
    key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert public_key_b64url(key) == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_another_library_reads_it_as_the_x_of_a_jwk():
    identity = Identity.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": public_key_b64url(identity.node_id)}
    key = jwt.algorithms.OKPAlgorithm.from_jwk(json.dumps(jwk))
    assert key.public_bytes_raw().hex() == identity.node_id


@pytest.mark.parametrize(
    "text",
    ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "+", "A" * 42 + "B", "A" * 42 + "\n", "ü" * 43, "A" * 10_000],
)
def test_text_that_is_not_a_key_in_base64url_is_refused(text):
    with pytest.raises(ValueError, match="43 characters"):
        node_id_from_b64url(text)


MAKE_KEYS = """
import itertools, sys
from pathlib import Path
from nocarrier.sources.node.access.identity import Identity
for number in itertools.count():
    Identity.load_or_create(Path(sys.argv[1]) / str(number) / "node.key")
"""


def test_a_kill_at_any_moment_leaves_no_partial_key(path):
    """The file gets its name once it is complete: processes killed while making it leave a complete key or none."""
    process = subprocess.Popen([sys.executable, "-c", MAKE_KEYS, path.parent])
    while len(list(path.parent.glob("*/node.key"))) < 20:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    made = list(path.parent.glob("*/node.key"))
    assert len({Identity.load_or_create(each).node_id for each in made}) == len(made) >= 20
