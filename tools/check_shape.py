"""Keep the source easy to read: files, functions and signatures that are not too large, and no name defined twice.

Without arguments it fails if a limit is exceeded. With --report it also prints the numbers.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "nocarrier"

MAX_FILES = 20
"""Side by side in a package."""

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 8
MAX_COMPLEXITY = 15
"""Ways through a function, counted like McCabe's complexity plus one for each `and` and `or`."""

LISTS = frozenset({"diagnosis/causes"})
"""Packages with one file for each row of a table."""

TABLES = frozenset({"model/taxonomy.py"})
"""Files that consist of one table, in which readers look things up."""

PROMISED = {
    "model/ports.py DialRecorder.record": "records what other code saw of a dial: facts, each passed by keyword",
    "tracking/tracker.py DialTracker.record": "the same, as the public API promises it",
}
"""Functions that may have more parameters, and why."""


_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Shape:
    """The measurements."""

    files: dict[str, int] = field(default_factory=dict)
    """Lines per file."""
    functions: dict[str, int] = field(default_factory=dict)
    """Lines per file and name, such as "tracking/tracker.py DialTracker.record"."""
    parameters: dict[str, int] = field(default_factory=dict)
    complexity: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The files that define each public class or alias."""

    @classmethod
    def of(cls, source: Path) -> Shape:
        """Measure all Python files below `source`."""
        shape = cls()
        for path in sorted(source.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            shape.take(path.relative_to(source).as_posix(), text)
        return shape

    def take(self, file: str, text: str) -> None:
        """Measure one file."""
        self.files[file] = text.count("\n")
        tree = ast.parse(text)
        for name in _public_names(tree):
            self.names[name].append(file)
        for name, function in _functions(tree):
            place = f"{file} {name}"
            self.functions[place] = (function.end_lineno or function.lineno) - function.lineno + 1
            self.complexity[place] = _complexity(function)
            self.parameters[place] = _parameters(function)

    @property
    def packages(self) -> dict[str, int]:
        """How many files lie in each package."""
        return Counter(file.rpartition("/")[0] or "." for file in self.files)

    @property
    def duplicates(self) -> dict[str, list[str]]:
        """Public names that are defined more than once."""
        return {name: files for name, files in sorted(self.names.items()) if len(files) > 1}


def _public_names(tree: ast.Module) -> Iterator[str]:
    """Classes and type aliases at the top of a module; constants in capitals are not meant to be imported by others."""
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
                yield target.id


def _functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions in `node`, nested ones included, with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + child.name, child
        inside = f"{within}{child.name}." if isinstance(child, _NAMED) else within
        yield from _functions(child, inside)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters a caller has to know; without self and cls."""
    given = function.args
    by_position = [*given.posonlyargs, *given.args]
    is_method = bool(by_position) and by_position[0].arg in {"self", "cls"}
    return len(by_position) + len(given.kwonlyargs) - is_method


def _complexity(function: ast.AST) -> int:
    return 1 + sum(map(_branches, ast.walk(function)))


def _branches(node: ast.AST) -> int:
    match node:
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler() | ast.Assert():
            return 1
        case ast.comprehension(ifs=conditions):
            return 1 + len(conditions)
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.match_case(pattern=ast.MatchAs(pattern=None), guard=None):
            return 0  # a pattern that matches everything adds no way
        case ast.match_case() | ast.Lambda():
            return 1
        case _:
            return 0


def problems_of(shape: Shape) -> Iterator[str]:
    """What is too large or defined twice, one line each."""
    limits = (
        ("files", {package: n for package, n in shape.packages.items() if package not in LISTS}, MAX_FILES),
        ("lines", {file: lines for file, lines in shape.files.items() if file not in TABLES}, MAX_FILE_LINES),
        ("lines", shape.functions, MAX_FUNCTION_LINES),
        ("parameters", {name: n for name, n in shape.parameters.items() if name not in PROMISED}, MAX_PARAMETERS),
        ("ways through it", shape.complexity, MAX_COMPLEXITY),
    )
    for unit, measured, most in limits:
        for what, number in sorted(measured.items(), key=lambda item: -item[1]):
            if number > most:
                yield f"{what} has {number} {unit}; at most {most}"
    for name, files in shape.duplicates.items():
        yield f"{name} is defined in {' and '.join(files)}; each public class and alias needs a name of its own"
    yield from (f"{file} is within the limit; remove it from TABLES" for file in TABLES if _fits(shape, file))
    for name in PROMISED:
        if shape.parameters.get(name, 0) <= MAX_PARAMETERS:
            yield f"{name} has no more parameters than others; remove it from PROMISED"


def _fits(shape: Shape, file: str) -> bool:
    return shape.files.get(file, 0) <= MAX_FILE_LINES


def report_of(shape: Shape) -> Iterator[str]:
    """The numbers, one line each."""
    lines = sorted(shape.files.values())
    yield f"files {len(lines)}, lines {sum(lines)}, median {statistics.median(lines):g}, largest {lines[-1]}"
    yield f"functions over {MAX_FUNCTION_LINES} lines: {_over(shape.functions, MAX_FUNCTION_LINES)}"
    yield f"functions with more than {MAX_PARAMETERS} parameters: {_over(shape.parameters, MAX_PARAMETERS)}"
    yield f"functions with more than {MAX_COMPLEXITY} ways through: {_over(shape.complexity, MAX_COMPLEXITY)}"
    yield f"public names defined twice: {len(shape.duplicates)}"
    largest = sorted(shape.packages.items(), key=lambda item: -item[1])[:8]
    yield f"files per package: {', '.join(f'{package} {number}' for package, number in largest)}"


def _over(measured: dict[str, int], most: int) -> int:
    return sum(number > most for number in measured.values())


def main() -> int:
    """Print what is too large or defined twice."""
    shape = Shape.of(SOURCE)
    if "--report" in sys.argv[1:]:
        print("\n".join(report_of(shape)))
    problems = list(problems_of(shape))
    print("\n".join(problems) if problems else "files, functions and names are within bounds")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
