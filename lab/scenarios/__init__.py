"""All scenarios: each module in this folder has its own `SCENARIOS`; to add a module is to add a file."""

from __future__ import annotations

import importlib
import pkgutil

from lab.scenario import Scenario


def _collect() -> dict[str, Scenario]:
    found: dict[str, Scenario] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for scenario in importlib.import_module(module.name).SCENARIOS:
            if scenario.name in found:
                raise ValueError(f"two scenarios are called {scenario.name}")
            found[scenario.name] = scenario
    return found


SCENARIOS: dict[str, Scenario] = _collect()
"""By name."""
