"""What a test needs on this machine, and a loud message if it is missing: a skipped proof must not look like a pass."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys

import pytest

NOT_PROVEN = "NOT PROVEN HERE: "
"""How the reason of such a skip begins; the summary at the end lists every one of them."""


def requires(*programs: str) -> pytest.MarkDecorator:
    """Mark a test that runs these programs."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{NOT_PROVEN}install {', '.join(missing)}")


requires_root_netns = pytest.mark.netns
"""Mark a test or a module that makes network namespaces; conftest.py skips it if that is not possible."""


@functools.cache
def why_no_netns() -> str | None:
    """Why network namespaces cannot be made here, or None if they can."""
    if sys.platform != "linux":
        return f"{NOT_PROVEN}network namespaces need Linux; this is {sys.platform}"
    if os.geteuid() != 0:
        return f"{NOT_PROVEN}network namespaces need root; run the tests as root on a machine you can spare"
    missing = [program for program in ("ip", "nft", "ss", "sysctl") if shutil.which(program) is None]
    if missing:
        return f"{NOT_PROVEN}install {', '.join(missing)}"
    # Root in a container may still not be allowed to.
    probe = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False)
    return f"{NOT_PROVEN}{probe.stderr.strip()}" if probe.returncode else None
