"""The page, which `npm run build` makes from the sources in the repository's `dashboard` folder.

A wheel contains it in the folder `built`; in a checkout `make page` puts it there.
"""

from __future__ import annotations

from pathlib import Path

BUILT = Path(__file__).with_name("built")
"""Vite writes index.html here, and a folder of assets whose names change with their content."""
