"""One chain of routers for all tests of a module; what a test changes in it is undone afterwards."""

from __future__ import annotations

import pytest

from testbed.netns_chain import Chain


@pytest.fixture(scope="module")
def shared_chain():
    """client - three routers - server; on the server the ports `open` and `open6` accept and never answer."""
    with Chain() as made:
        made.open = made.server.fault_server("silent")
        made.open6 = made.server.fault_server("silent", host=made.server.ipv6)
        yield made


@pytest.fixture
def chain(shared_chain):
    """The chain of this module, with nothing that stops a packet."""
    yield shared_chain
    for host in shared_chain.made:
        host.nft("")
