"""The table of packages in docs/architecture.md: what each is for, and what it may import."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference.markdown import table

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "nocarrier"
MOST_NAMED = 5
"""How many packages a cell names before it says "everything below" instead."""


def packages() -> Iterator[str]:
    """The top level by layers, the highest first; then the folders inside."""
    yield table(
        ("package", "purpose", "may import, of nocarrier"),
        ((f"`{name}`", purpose(name), _allowed(name)) for name in top_level()),
    )
    yield "And inside the larger ones:"
    inside = sorted(path.parent.relative_to(SOURCE) for path in SOURCE.glob("*/**/__init__.py"))
    yield table(
        ("package", "purpose"),
        ((f"`{path}/`", purpose(str(path))) for path in map(Path.as_posix, inside) if "/" in path),
    )


def layers() -> list[list[str]]:
    """The layers of pyproject.toml, the highest first; packages of one layer do not import each other."""
    (contract,) = (each for each in _contracts() if each["type"] == "layers")
    lines = [re.split(r"\s*([|:])\s*", line) for line in contract["layers"]]
    # ":" lets the packages of a layer import each other; no layer needs that today, so the table ignores the
    # difference.
    return [line[::2] for line in lines]


def top_level() -> list[str]:
    """All packages and modules of the top level, the highest first."""
    return [name for layer in layers() for name in layer]


def may_import(name: str) -> list[str]:
    """What a package of the top level may import, according to the layers, the contracts and its own docstring."""
    below: list[str] = []
    for layer in reversed(layers()):
        if name in layer:
            break
        below = [*layer, *below]
    return [other for other in below if other not in forbidden(name) | never_imports(name)]


def forbidden(name: str) -> set[str]:
    """What the contracts of pyproject.toml forbid a package of the top level, in addition to the layers."""
    return {
        module.removeprefix("nocarrier.")
        for contract in _contracts()
        if contract["type"] == "forbidden" and f"nocarrier.{name}" in contract["source_modules"]
        for module in contract["forbidden_modules"]
        if module.startswith("nocarrier.")
    }


def never_imports(name: str) -> set[str]:
    """What a package never imports, according to its docstring."""
    found = re.search(r"Never imports ([^.:]+)", docstring(name))
    return set(re.findall(r"`(\w+)`", found[1])) if found else set()


def purpose(name: str) -> str:
    """The first sentence of the docstring of a package or module."""
    return docstring(name).split("\n\n")[0].replace("\n", " ")


def docstring(name: str) -> str:
    """The docstring of a package or module below `nocarrier`, such as "sources/node"."""
    folder = SOURCE / name / "__init__.py"
    path = folder if folder.exists() else SOURCE / f"{name}.py"
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _allowed(name: str) -> str:
    allowed = may_import(name)
    position = top_level().index(name)
    without = [other for other in top_level()[position + 1 :] if other not in allowed]
    if len(allowed) <= MOST_NAMED:
        return ", ".join(f"`{other}`" for other in allowed) or "nothing"
    return "everything below" + (f" but {', '.join(f'`{other}`' for other in without)}" if without else "")


def _contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return contracts
