"""A name server that answers, lies or stays silent as it is told; run it inside a network namespace.

``python resolver.py HOST '{"seed.test": ["198.19.1.2", "2001:db8:2::2"]}'`` serves UDP port 53 of HOST and prints
``ready``. It answers names in the table; for any other name the first label decides (``servfail.test``), see
`RESPONSES`; any other name does not exist.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
import sys
from collections.abc import Mapping, Sequence

# RFC 1035 section 3.2.2 and RFC 3596; section 4.1.1 for the header.
TYPES = {1: 4, 28: 6}
"""Record types A and AAAA, with the IP version of each."""
NO_ERROR, SERVER_FAILURE, NAME_ERROR, REFUSED = 0, 2, 3, 5
IS_RESPONSE, IS_AUTHORITATIVE, IS_RECURSIVE = 0x8000, 0x0400, 0x0080
HEADER = struct.Struct("!HHHHHH")
QUESTION_NAME_AT = 0xC000 | HEADER.size
"""A compressed name that points to the one in the question."""
TTL_S = 1

RESPONSES = {"nxdomain": NAME_ERROR, "nodata": NO_ERROR, "servfail": SERVER_FAILURE, "refused": REFUSED, "silent": None}


def respond(query: bytes, table: Mapping[str, Sequence[str]]) -> bytes | None:
    """The response to a query with one question, or None for silence."""
    query_id, flags = struct.unpack_from("!HH", query)
    name, end = _read_name(query, HEADER.size)
    (record_type,) = struct.unpack_from("!H", query, end)
    question = query[HEADER.size : end + 4]
    code: int | None
    if name in table:
        code, addresses = NO_ERROR, [ipaddress.ip_address(text) for text in table[name]]
    else:
        code, addresses = RESPONSES.get(name.partition(".")[0], NAME_ERROR), []
    if code is None:
        return None
    answers = [
        struct.pack("!HHHIH", QUESTION_NAME_AT, record_type, 1, TTL_S, len(address.packed)) + address.packed
        for address in addresses
        if address.version == TYPES.get(record_type)
    ]
    flags = IS_RESPONSE | IS_AUTHORITATIVE | IS_RECURSIVE | (flags & 0x0100) | code
    return HEADER.pack(query_id, flags, 1, len(answers), 0, 0) + question + b"".join(answers)


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    labels = []
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    return ".".join(labels), at + 1


def main(host: str, table: Mapping[str, Sequence[str]]) -> None:
    """Serve until ended."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, 53))
        print("ready", flush=True)
        while True:
            query, client = server.recvfrom(512)
            response = respond(query, table)
            if response is not None:
                server.sendto(response, client)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
