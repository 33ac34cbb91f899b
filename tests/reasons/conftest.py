"""One network for all tests of a module; what a test changes in it is undone afterwards."""

from __future__ import annotations

import pytest

from testbed.netns import Network


def pytest_configure(config):
    config.addinivalue_line("markers", "provokes(*reasons): provokes these reasons for real")


@pytest.fixture(scope="module")
def shared_network():
    """client - router - server; on the server the ports `silent` and `silent6` accept and never answer."""
    with Network() as made:
        made.silent = made.server.fault_server("silent")
        made.silent6 = made.server.fault_server("silent", host=made.server.ipv6)
        yield made


@pytest.fixture
def net(shared_network):
    """The network of this module, with nothing that stops a packet."""
    yield shared_network
    for host in shared_network.made:
        host.nft("")
