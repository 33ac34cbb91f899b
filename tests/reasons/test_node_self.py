"""A node that listens on every interface recognises itself by any of its addresses, and takes no other node for
itself."""

from __future__ import annotations

import contextlib

from nocarrier.model.taxonomy import Reason
from testbed.netns import Network
from testbed.node_process import NodeProcess
from testbed.nodes import GENESIS
from testbed.programs import requires_root_netns
from testbed.provokes import provokes

pytestmark = requires_root_netns

FORWARDER = """
import asyncio, sys

async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()

async def forward(reader, writer):
    to_reader, to_writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer), return_exceptions=True)

async def main():
    server = await asyncio.start_server(forward, "0.0.0.0", int(sys.argv[3]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextlib.contextmanager
def node_on(network: Network, tmp_path):
    with NodeProcess(
        tmp_path / "node", where=network.client, p2p_listen="0.0.0.0:7072", genesis=GENESIS, target_peers=0
    ) as node:
        yield node


@provokes(Reason.SELF_DIAL_BLOCKED)
def test_every_address_of_an_interface_is_our_own(network, tmp_path):
    with node_on(network, tmp_path) as node:
        network.client.ip("address", "add", "203.0.113.77/32", "dev", "eth0")  # one that came later
        for ip in (network.client.ipv4, "203.0.113.77", "127.0.0.1"):
            result = node.connect(f"{ip}:7072")
            assert (result["outcome"], result["reason"]) == ("skipped", Reason.SELF_DIAL_BLOCKED), ip
        assert node.status()["totals"]["started"] == 0


@provokes(Reason.SELF_DIAL_BLOCKED)
def test_behind_a_port_mapping_only_the_mapped_port_is_our_own(network, tmp_path):
    network.server.start_python(FORWARDER, network.client.ipv4, 7072, 9000)
    with node_on(network, tmp_path) as node:
        found_out = node.connect(f"{network.server.ipv4}:9000")
        assert (found_out["outcome"], found_out["reason"]) == ("failed", Reason.SELF_DIAL_BLOCKED)
        known = node.connect(f"{network.server.ipv4}:9000")
        assert (known["outcome"], known["reason"]) == ("skipped", Reason.SELF_DIAL_BLOCKED)
        # Another node behind the same router may have any other port, the usual one too.
        other = node.connect(f"{network.server.ipv4}:7072")
        assert (other["outcome"], other["reason"]) == ("failed", Reason.CONNECTION_REFUSED)
