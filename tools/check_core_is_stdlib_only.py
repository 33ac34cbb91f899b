"""Check that the core imports without site-packages: embedding nocarrier installs nothing else."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
CORE = (
    "nocarrier",
    "nocarrier.model",
    "nocarrier.classification",
    "nocarrier.tracking",
    "nocarrier.host",
    "nocarrier.dialing",
    "nocarrier.diagnosis",
)

SCRIPT = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    package = importlib.import_module(name)
    if name != "nocarrier":
        for module in pkgutil.walk_packages(package.__path__, name + "."):
            importlib.import_module(module.name)
assert "nocarrier.sources" not in sys.modules, "the core imports the node"
"""


def main() -> int:
    """Import every module of the core in an interpreter that sees only the standard library (-I -S)."""
    result = subprocess.run([sys.executable, "-I", "-S", "-c", SCRIPT, str(SOURCE), *CORE], check=False)
    if result.returncode == 0:
        print(f"core imports with the standard library alone: {', '.join(CORE)}")
    return result.returncode


if __name__ == "__main__":
    raise SystemExit(main())
