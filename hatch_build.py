"""Builds the page before a wheel or source distribution is packed, so that installing it needs no npm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "dashboard"
BUILT = "src/nocarrier/web/page/built/index.html"


class BuildPage(BuildHookInterface[Any]):
    """Called by hatchling; see `[tool.hatch.build.hooks.custom]`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the page if its source and npm are available; a source distribution contains the built page.

        Raises:
            subprocess.CalledProcessError: npm failed; its output says why.
        """
        if version == "editable":  # the Makefile builds it, and only when a source is newer
            return
        source = Path(self.root, SOURCE)
        npm = shutil.which("npm")
        if source.is_dir() and npm is not None:
            for command in ("ci", "run build"):
                subprocess.run([npm, *command.split(), "--silent"], cwd=source, check=True)  # noqa: S603
        elif not Path(self.root, BUILT).is_file():
            self.app.display_warning(
                "npm is not available, so this package has no page: its API works, and / says so. Install Node.js 20 "
                "or newer with npm, and build it again."
            )
