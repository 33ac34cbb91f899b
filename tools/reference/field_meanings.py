"""The texts below the fields of a class."""

from __future__ import annotations

import ast
import inspect
import itertools


def meanings_of_fields(kind: type) -> dict[str, str]:
    """The texts below the fields of one of our classes, and of the classes that it extends."""
    ours = [each for each in reversed(kind.__mro__) if each.__module__.startswith("nocarrier.")]
    return {name: text for each in ours for name, text in _own_meanings(each).items()}


def _own_meanings(kind: type) -> dict[str, str]:
    [definition] = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in itertools.pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
