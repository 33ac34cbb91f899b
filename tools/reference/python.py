"""The page of the Python API: every public name with its signature.

It is made from the source, not from the running interpreter, because each Python version prints signatures differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import griffe

from reference.markdown import generated_from, table

SOURCE = Path(__file__).resolve().parents[2] / "src"

MODULES = ("nocarrier", "nocarrier.integrations.opentelemetry")
"""The modules that a program may import. Everything else may change without notice."""

LISTED_ELSEWHERE = {"Reason": "reasons.md", "Source": "sources.md"}
"""Classes whose members are listed on another page."""

SECTION_TITLES = {
    griffe.DocstringSectionKind.parameters: "Arguments",
    griffe.DocstringSectionKind.raises: "Raises",
}


def python() -> Iterator[str]:
    """The names of each public module."""
    yield generated_from("the signatures and docstrings of the public names")
    yield "# Python API"
    yield (
        "What a program can import. Patch releases only add to it; while the version begins with 0, a minor release "
        "may change or remove a name, and CHANGELOG.md says so. What is not on this page may change at any time."
    )
    package = griffe.load("nocarrier", search_paths=[SOURCE], try_relative_path=False)
    for path in MODULES:
        module = package[path.removeprefix("nocarrier").removeprefix(".")] if path != "nocarrier" else package
        yield f"## {path}"
        for name in sorted(str(each) for each in module.exports or ()):
            yield from _entry(name, _target(module.members[name]))


def _target(named: griffe.Object | griffe.Alias) -> griffe.Object:
    return named.final_target if isinstance(named, griffe.Alias) else named


def _entry(name: str, what: griffe.Object) -> Iterator[str]:
    """A public name: its signature, its docstring and, for a class, its members."""
    yield f"### {name}"
    yield f"```python\n{_signature(name, what)}\n```"
    sections = what.docstring.parse("google") if what.docstring else []
    yield from (section.value for section in sections if section.kind is griffe.DocstringSectionKind.text)
    meanings = {}
    for section in sections:
        title = SECTION_TITLES.get(section.kind)
        if title is not None:
            rows = [
                (getattr(each, "name", str(each.annotation)), _in_a_line(each.description)) for each in section.value
            ]
            yield table((title, "meaning"), ((f"`{called}`", meaning) for called, meaning in rows))
        elif section.kind is griffe.DocstringSectionKind.attributes:
            meanings = {each.name: _in_a_line(each.description) for each in section.value}
    if isinstance(what, griffe.Class):
        if name in LISTED_ELSEWHERE:
            yield f"Its members: [{LISTED_ELSEWHERE[name]}]({LISTED_ELSEWHERE[name]})."
        yield from _members(what, meanings, with_constants=name not in LISTED_ELSEWHERE)


def _signature(name: str, what: griffe.Object) -> str:
    if isinstance(what, griffe.Function):
        return f"{'async ' if 'async' in what.labels else ''}{what.signature(name=name)}"
    if isinstance(what, griffe.Class):
        bases = ", ".join(str(base) for base in what.bases)
        has_init = any("__init__" in each.members or "dataclass" in each.labels for each in (what, *what.mro()))
        return f"class {what.signature(name=name)}" if has_init else f"class {name}({bases})"
    return f"{name} = {what.value}" if isinstance(what, griffe.Attribute) else name


def _members(what: griffe.Class, meanings: Mapping[str, str], *, with_constants: bool) -> Iterator[str]:
    """The table of members; `meanings` holds those that the docstring of the class describes."""
    members = {
        name: _target(each)
        for name, each in what.all_members.items()
        if not name.startswith("_") and (with_constants or not name.isupper())
    }
    rows = [
        (f"`{_member(name, each)}`", meanings.get(name) or _first_paragraph(each)) for name, each in members.items()
    ]
    if rows:
        yield table(("member", "meaning"), rows)


def _member(name: str, what: griffe.Object) -> str:
    if isinstance(what, griffe.Function):
        return _signature(name, what)
    annotation = getattr(what, "annotation", None)
    return f"{name}: {annotation}" if annotation is not None else name


def _first_paragraph(what: griffe.Object) -> str:
    return _in_a_line(what.docstring.value.partition("\n\n")[0]) if what.docstring else ""


def _in_a_line(text: str) -> str:
    return " ".join(text.split())
