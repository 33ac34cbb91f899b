"""For every test: no process of ours is left behind, namespaces if requested, and skipped proofs are reported."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import hypothesis
import pytest

# What these assert says by what it fails, as in a test; before they are imported.
pytest.register_assert_rewrite(
    "testbed", *(f"tests.{path.name}" for path in Path(__file__).parent.iterdir() if path.is_dir())
)

from testbed import netns  # noqa: E402
from testbed.programs import NOT_PROVEN, why_no_netns  # noqa: E402

# How fast examples are made and run depends on how busy the machine is, and says nothing about the code.
hypothesis.settings.register_profile(
    "nocarrier", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("nocarrier")


def pytest_sessionstart():
    # A shell starts its background jobs with Ctrl-C ignored, and every program that a test interrupts would inherit
    # that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if why_no_netns() is None:
        netns.sweep()


def pytest_runtest_setup(item):
    lack = why_no_netns() if item.get_closest_marker("netns") else None
    if lack is not None:
        pytest.skip(lack)


def pytest_terminal_summary(terminalreporter):
    # pytest shows the reason of a skip only on request; a proof that did not happen must be visible.
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if report.longrepr]
    for reason in sorted(set(skipped)):
        if NOT_PROVEN in reason:
            terminalreporter.write_line(f"!! {skipped.count(reason)} tests: {reason}", red=True, bold=True)


@pytest.fixture
def network():
    """client - router - server, made for this test only."""
    with netns.Network() as made:
        yield made


@pytest.fixture(autouse=True)
def no_process_left_behind():
    before = _children()
    yield
    left = {pid: name for pid, name in _children().items() if pid not in before}
    for pid in left:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert not left, f"processes left behind (ended now): {left}"


def _children() -> dict[int, str]:
    """Our child processes by pid, with their command lines; none on systems without Linux's /proc."""
    found = {}
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that just ended
            for pid in path.read_text().split():
                command = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(pid)] = command.decode(errors="replace")
    return found
