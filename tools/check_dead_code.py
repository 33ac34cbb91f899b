"""Fail if a function, a method or a class is used only by its tests.

Fields and constants are left out: other programs read the fields of a JSON answer or of a kernel struct.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vulture import Vulture  # type: ignore[import-untyped]  # it ships no types

REPOSITORY = Path(__file__).resolve().parent.parent
JUDGED = ("src", "tools", "lab", "bench", "hatch_build.py")
READ = (*JUDGED, "testbed")
KINDS = frozenset({"function", "method", "property", "class", "import", "unreachable_code"})

CALLED_BY_OTHERS = {
    "src/nocarrier/cli": ("format_commands", "diff", "report", "top", "table_open", "table_close", "heading_open"),
    "src/nocarrier/web/api/server.py": ("capture_signals", "main_loop"),  # uvicorn
    "hatch_build.py": ("BuildPage", "initialize"),  # hatchling
    "src/nocarrier/integrations": ("lost_spans_total",),  # the embedding program
}
"""Names that a library calls, that are looked up by name, or that are meant for programs that import nocarrier."""


def main() -> int:
    """Print each unused name; returns the exit status."""
    found = Vulture()
    found.scavenge([str(REPOSITORY / name) for name in READ])
    unused = [
        f"{where}:{item.first_lineno}: {item.typ} {item.name} is not used outside tests"
        for item in found.get_unused_code(min_confidence=60)
        if item.typ in KINDS and not item.name.startswith("_")
        for where in [item.filename.relative_to(REPOSITORY).as_posix()]
        if where.startswith(JUDGED)
        if not any(where.startswith(path) and item.name in names for path, names in CALLED_BY_OTHERS.items())
    ]
    print("\n".join(unused) or "no dead code")
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main())
