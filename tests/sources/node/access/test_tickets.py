"""Admission tickets: a node with a valid one is admitted, any other node is told which of the five kinds is wrong."""

from __future__ import annotations

import base64
import json
import os
import stat

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from nocarrier.errors import StateFileError, TicketError
from nocarrier.sources.node.access import tickets

NODE = "ab" * 32
OTHER_NODE = "cd" * 32
OPENSSL_KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIDKxKp6LOJlnsKjONxwyx0XIdvJip//Yj2TvdfS8adM2
-----END PRIVATE KEY-----
"""
"""Made for this test by: openssl genpkey -algorithm ed25519."""
ISSUER = load_pem_private_key(OPENSSL_KEY.encode(), password=None)
ADMISSION_KEY = tickets.admission_key_of(ISSUER)
NOW = 1_800_000_000.0
HOUR = 3600.0


def issued(**changes) -> str:
    return tickets.issue(
        ISSUER, **{"node_id": NODE, "network": "main", "now_unix": NOW, "valid_for_s": HOUR, **changes}
    )


def signed(claims: object, key=ISSUER, algorithm="EdDSA", headers=None) -> str:
    """A token with any claims, signed by `key`."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, key, algorithm=algorithm, headers=headers)


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verdict(ticket: str | None, *, now_unix: float = NOW, node_id: str = NODE, network: str = "main") -> str:
    """The kind of refusal, or "admitted"."""
    try:
        tickets.verify(ticket, admission_key=ADMISSION_KEY, node_id=node_id, network=network, now_unix=now_unix)
    except TicketError as error:
        return error.kind
    return "admitted"


def test_a_ticket_admits_its_node_to_its_network():
    assert verdict(issued()) == "admitted"


@pytest.mark.parametrize("ticket", [None, ""])
def test_no_ticket_is_missing(ticket):
    assert verdict(ticket) == "missing"


@pytest.mark.parametrize(
    ("now_unix", "expected"),
    [
        (NOW - 10, "admitted"),  # our clock is behind and the ticket states no beginning
        (NOW + HOUR - 1, "admitted"),
        (NOW + HOUR, "expired"),
        (NOW + 100 * HOUR, "expired"),
    ],
)
def test_a_ticket_ends_exactly_at_its_last_second(now_unix, expected):
    assert verdict(issued(), now_unix=now_unix) == expected


@pytest.mark.parametrize(
    ("now_unix", "expected"),
    [(NOW, "not_yet_valid"), (NOW + HOUR - 1, "not_yet_valid"), (NOW + HOUR, "admitted"), (NOW + 2 * HOUR, "expired")],
)
def test_a_ticket_with_a_beginning_waits_for_it_and_its_validity_counts_from_there(now_unix, expected):
    assert verdict(issued(not_before_unix=NOW + HOUR), now_unix=now_unix) == expected


def test_the_ticket_of_another_node_is_wrong_subject_even_if_expired():
    assert verdict(issued(), node_id=OTHER_NODE) == "wrong_subject"
    assert verdict(issued(), node_id=OTHER_NODE, now_unix=NOW + 2 * HOUR) == "wrong_subject"


def test_the_ticket_of_another_network_is_bad_signature_and_names_it():
    with pytest.raises(TicketError, match="network test, not main") as caught:
        tickets.verify(issued(network="test"), admission_key=ADMISSION_KEY, node_id=NODE, network="main", now_unix=NOW)
    assert caught.value.kind == "bad_signature"


def test_an_audience_may_be_a_list_as_other_issuers_write_it():
    assert verdict(signed({"sub": NODE, "aud": ["test", "main"], "exp": NOW + 1})) == "admitted"
    assert verdict(signed({"sub": NODE, "aud": ["test"], "exp": NOW + 1})) == "bad_signature"


def test_another_issuer_is_bad_signature():
    other = Ed25519PrivateKey.generate()
    ticket = tickets.issue(other, node_id=NODE, network="main", now_unix=NOW, valid_for_s=HOUR)
    assert verdict(ticket) == "bad_signature"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_ticket_is_bad_signature(part):
    parts = issued().split(".")
    changed = "A" if parts[part][5] != "A" else "B"
    parts[part] = parts[part][:5] + changed + parts[part][6:]
    assert verdict(".".join(parts)) == "bad_signature"


def test_claims_under_another_signature_are_bad_signature():
    header, _, signature = issued().split(".")
    claims = b64url(json.dumps({"sub": NODE, "aud": "main", "exp": NOW + 9e9}).encode())
    assert verdict(f"{header}.{claims}.{signature}") == "bad_signature"


@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
def test_an_unsigned_token_is_bad_signature(name):
    header = b64url(json.dumps({"alg": name, "typ": "JWT"}).encode())
    claims = b64url(json.dumps({"sub": NODE, "aud": "main", "exp": NOW + 9}).encode())
    assert verdict(f"{header}.{claims}.") == "bad_signature"


@pytest.mark.parametrize("form", ["raw", "base64url", "pem"])
def test_the_public_key_as_a_shared_secret_is_bad_signature(form):
    public = ISSUER.public_key()
    secret = {
        "raw": public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "base64url": ADMISSION_KEY.encode(),
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }[form]
    header = b64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    claims = b64url(json.dumps({"sub": NODE, "aud": "main", "exp": NOW + 9}).encode())
    # By hand, because PyJWT refuses to sign with a PEM as secret.
    signature = b64url(
        jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(f"{header}.{claims}".encode(), secret)
    )
    assert verdict(f"{header}.{claims}.{signature}") == "bad_signature"


def test_another_curve_is_bad_signature():
    claims = {"sub": NODE, "aud": "main", "exp": NOW + 9}
    assert verdict(signed(claims, generate_private_key(SECP256R1()), "ES256")) == "bad_signature"


@pytest.mark.parametrize("header", [{"jwk": {"kty": "OKP"}}, {"kid": "../../etc/passwd"}, {"jku": "http://192.0.2.1/"}])
def test_keys_named_in_the_token_itself_are_not_used(header):
    claims = {"sub": NODE, "aud": "main", "exp": NOW + 9}
    assert verdict(signed(claims, Ed25519PrivateKey.generate(), headers=header)) == "bad_signature"
    assert verdict(signed(claims, headers=header)) == "admitted"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "main", "exp": NOW + 9},
        {"sub": NODE, "exp": NOW + 9},
        {"sub": NODE, "aud": "main"},
        {"sub": NODE, "aud": "main", "exp": str(NOW + 9)},
        {"sub": NODE, "aud": "main", "exp": None},
        {"sub": NODE, "aud": "main", "exp": True},
        {"sub": NODE, "aud": "main", "exp": [NOW + 9]},
        {"sub": NODE, "aud": "main", "exp": float("nan")},
        {"sub": NODE, "aud": "main", "exp": float("inf")},
        {"sub": NODE, "aud": "main", "exp": -1},
        {"sub": NODE, "aud": "main", "exp": 10**30},
        {"sub": NODE, "aud": "main", "exp": NOW * 1000},
        {"sub": NODE, "aud": "main", "exp": NOW + 9, "nbf": "0"},
        {"sub": NODE, "aud": "main", "exp": NOW + 9, "nbf": float("nan")},
        {"sub": 7, "aud": "main", "exp": NOW + 9},
        {"sub": NODE, "aud": None, "exp": NOW + 9},
        {"sub": NODE, "aud": {"main": 1}, "exp": NOW + 9},
        [NODE, "main", NOW + 9],
        b"\xff\xfe",
        b"",
        b"[" * 2000,
        b'{"x": ' + b"[" * 2000,
        b'{"sub": "\xff"}',
    ],
)
def test_absurd_claims_are_refused_though_the_issuer_signed_them(claims):
    assert verdict(signed(claims)) == "bad_signature"


def test_a_time_may_have_a_fraction():
    ticket = signed({"sub": NODE, "aud": "main", "exp": NOW + 0.5})
    assert verdict(ticket, now_unix=NOW + 0.4) == "admitted"
    assert verdict(ticket, now_unix=NOW + 0.5) == "expired"


@pytest.mark.parametrize(
    "ticket",
    [
        "x",
        "..",
        "a.b.c",
        "é.é.é",
        "\udcff.a.b",
        "\x00",
        b64url(b'{"alg":"EdDSA","b64":false,"crit":["b64"]}') + "..AAAA",
        b64url(b'{"alg":"EdDSA","crit":["other"]}') + ".e30.AAAA",
        b64url(b"[" * 2900) + ".e30.AAAA",
        b64url(b"\xff") + ".e30.AAAA",
        b64url(b'{"alg":["EdDSA"]}') + ".e30.AAAA",
        b64url(b'{"alg":{}}') + ".e30.AAAA",
    ],
)
def test_text_that_is_not_a_token_is_bad_signature(ticket):
    assert verdict(ticket) == "bad_signature"


def test_an_oversized_ticket_is_refused_before_it_is_decoded():
    claims = {"sub": NODE, "aud": "main", "exp": NOW + 9, "padding": "x" * tickets.MAX_TICKET_LENGTH}
    with pytest.raises(TicketError, match="at most 4096") as caught:
        tickets.verify(signed(claims), admission_key=ADMISSION_KEY, node_id=NODE, network="main", now_unix=NOW)
    assert caught.value.kind == "bad_signature"


def test_a_refusal_stays_short_whatever_the_ticket_contains():
    long = signed({"sub": "x" * 1500, "aud": ["y" * 1000], "exp": NOW + 9})
    with pytest.raises(TicketError) as caught:
        tickets.verify(long, admission_key=ADMISSION_KEY, node_id=NODE, network="main", now_unix=NOW)
    assert len(str(caught.value)) < 300


@given(
    ticket=st.text(max_size=200) | st.from_regex(r"\A[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,90}\Z")
)
def test_any_text_raises_only_ticket_errors(ticket):
    assert verdict(ticket) in {"missing", "bad_signature"}


@given(position=st.integers(0, 10_000), character=st.characters(codec="ascii"))
def test_changing_any_character_makes_the_ticket_invalid(position, character):
    ticket = issued()
    position %= len(ticket)
    changed = ticket[:position] + character + ticket[position + 1 :]
    assert verdict(changed) == ("admitted" if changed == ticket else "bad_signature")


@pytest.mark.parametrize(
    "changes",
    [
        {"node_id": "ab"},
        {"node_id": "AB" * 32},
        {"node_id": NODE + "\n"},
        {"valid_for_s": 0},
        {"valid_for_s": -1},
        {"valid_for_s": float("nan")},
        {"valid_for_s": float("inf")},
        {"valid_for_s": 1e300},
        {"not_before_unix": float("nan")},
        {"not_before_unix": -1},
    ],
)
def test_a_ticket_that_could_not_work_is_not_issued(changes):
    with pytest.raises(ValueError, match=r"64 lower-case hex digits|more than 0 s"):
        issued(**changes)


@pytest.mark.parametrize("key", ["", "x", ADMISSION_KEY[:-1], ADMISSION_KEY + "A", "é" * 43])
def test_an_invalid_admission_key_is_the_callers_error(key):
    with pytest.raises(ValueError, match="base64url") as caught:
        tickets.verify(issued(), admission_key=key, node_id=NODE, network="main", now_unix=NOW)
    assert not isinstance(caught.value, TicketError)


# ---- the issuer's key ---------------------------------------------------------------------------------------------


def test_an_issuer_key_is_readable_only_by_its_owner_and_can_be_loaded(tmp_path):
    path = tmp_path / "issuer.pem"
    made = tickets.create_issuer_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tickets.admission_key_of(tickets.load_issuer_key(path)) == tickets.admission_key_of(made)


def test_the_key_of_openssl_is_read(tmp_path):
    path = tmp_path / "issuer.pem"
    path.write_text(OPENSSL_KEY)
    path.chmod(0o600)
    assert tickets.admission_key_of(tickets.load_issuer_key(path)) == "3VYisxyzufuH-GjH9lewsH6ILnP2Wkpz7sTdV0wdxbs"


def test_an_issuer_key_is_never_replaced(tmp_path):
    path = tmp_path / "issuer.pem"
    tickets.create_issuer_key(path)
    before = path.read_bytes()
    with pytest.raises(StateFileError, match="is not replaced"):
        tickets.create_issuer_key(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(StateFileError, match="nowhere"):
        tickets.create_issuer_key(tmp_path / "nowhere" / "issuer.pem")


def test_a_key_that_others_can_read_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "issuer.pem"
    tickets.create_issuer_key(path)
    path.chmod(0o640)
    with pytest.raises(StateFileError, match="chmod 600"):
        tickets.load_issuer_key(path)


def _pem(key, encryption=NoEncryption()) -> bytes:  # noqa: B008
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"secret",
        os.urandom(10_000),
        _pem(generate_private_key(SECP256R1())),
        _pem(ISSUER, BestAvailableEncryption(b"password")),
        ISSUER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "text", "noise", "another curve", "with a password", "public half"],
)
def test_a_file_that_is_not_an_issuer_key_is_refused(tmp_path, content):
    path = tmp_path / "issuer.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StateFileError, match="not an Ed25519 private key"):
        tickets.load_issuer_key(path)


@pytest.mark.parametrize("name", ["missing.pem", "."])
def test_a_key_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(StateFileError, match="cannot read the issuer key"):
        tickets.load_issuer_key(tmp_path / name)
