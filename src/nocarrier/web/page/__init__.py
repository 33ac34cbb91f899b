"""The page, as `npm run build` made it from the sources in the repository's `dashboard` folder.

A wheel carries it in the folder `built`; in a checkout `make page` puts it there.
"""

from __future__ import annotations

from pathlib import Path

BUILT = Path(__file__).with_name("built")
"""What Vite writes: index.html, and a folder of assets whose names change with what is in them."""
