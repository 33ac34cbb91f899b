"""Keep test coverage from falling: the floor in pyproject.toml follows it, but only upwards.

`make coverage` measures it and then calls this.
"""

from __future__ import annotations

import io
import sys

import coverage

SLACK = 1.0
"""How many percent the floor may lag behind. The branches that a network test takes differ from run to run."""


def main() -> int:
    """Print how the last measurement compares with the floor; returns the exit status."""
    measured = coverage.Coverage()
    measured.load()
    floor = float(str(measured.get_option("report:fail_under")))
    percent = measured.report(file=io.StringIO())
    print(f"tests run {percent:.1f} % of the code; the floor is {floor:g} %")
    if percent < floor:
        print("Too little: test what is new, or what is no longer tested.")
    elif percent >= floor + SLACK:
        print(f"Raise the floor: fail_under = {int(percent)} in pyproject.toml.")
    return 0 if floor <= percent < floor + SLACK else 1


if __name__ == "__main__":
    sys.exit(main())
