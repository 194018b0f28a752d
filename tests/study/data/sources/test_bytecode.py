from __future__ import annotations

import ast
import importlib.util
import os
import py_compile
from pathlib import Path

import pytest

from study.data.sources.bytecode import read_docstrings_of

SOURCE = '''
"""Of the module."""
from typing import Any

key = lambda value: "not a docstring"
names = [f"neither {name}" for name in "ab"]


class Plain:
    """Of a class,

        on several lines.
    """

    limit: int = 3

    def method(self):
        """Of a method."""

        def inner():
            """Inside a function."""

        class Inside:
            """Likewise."""

    def bare(self):
        return "what it returns"

    class Nested:
        "In single quotes."


class Assigned:
    __doc__ = """An assignment of
    several lines."""


class Annotated:
    __doc__: str = "An assignment with an annotation."


class Late:
    name = "not a docstring either"
    __doc__ = "Set later."


class Empty:
    """"""


if key:
    async def coroutine():
        """Of a coroutine under a condition."""
else:
    def other():
        """Of the other branch."""

try:
    class Tried:
        """Of a class in a trial."""
except ImportError:
    pass


def nul():
    """Holds a \\0."""
'''
EXPECTED = [
    "Of the module.",
    "Of a class,\n\non several lines.",
    "Of a method.",
    "In single quotes.",
    "Of a coroutine under a condition.",
    "Of the other branch.",
    "Of a class in a trial.",
]


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return path


def replace_code(path: Path, source: str) -> Path:
    """Put beside a file the code of another of the same length and time."""
    found = path.read_text(), path.stat().st_mtime_ns
    path.write_text(source)
    os.utime(path, ns=(found[1], found[1]))
    compiled = Path(py_compile.compile(str(path), doraise=True))
    path.write_text(found[0])
    os.utime(path, ns=(found[1], found[1]))
    return compiled


def test_docstrings_come_in_the_order_of_the_source(module: Path) -> None:
    assert list(read_docstrings_of(module)) == EXPECTED


def test_compiled_code_says_the_same(module: Path) -> None:
    py_compile.compile(str(module))

    assert list(read_docstrings_of(module)) == EXPECTED


def test_code_of_the_same_source_is_taken_as_it_is(module: Path) -> None:
    replace_code(module, SOURCE.replace("Of a method.", "By the code."))

    assert "By the code." in list(read_docstrings_of(module))


def test_code_of_another_source_is_not_taken(module: Path) -> None:
    py_compile.compile(str(module))
    module.write_text(SOURCE.replace("Of a method.", "Of another method."))

    assert "Of another method." in list(read_docstrings_of(module))


@pytest.mark.parametrize("mode", py_compile.PycInvalidationMode)
def test_code_that_bears_a_hash_is_held_against_the_source(
    module: Path, mode: py_compile.PycInvalidationMode
) -> None:
    py_compile.compile(str(module), invalidation_mode=mode)
    found = module.stat().st_mtime_ns
    module.write_text(SOURCE.replace("Of a method.", "Of my method."))
    os.utime(module, ns=(found, found))

    assert "Of my method." in list(read_docstrings_of(module))


@pytest.mark.parametrize("n_bytes", [0, 3, 16, 40])
def test_damaged_code_is_not_taken(module: Path, n_bytes: int) -> None:
    compiled = Path(py_compile.compile(str(module), doraise=True))
    compiled.write_bytes(compiled.read_bytes()[:n_bytes])

    assert list(read_docstrings_of(module)) == EXPECTED


def test_a_file_that_is_no_python_has_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text('"""A beginning')

    assert list(read_docstrings_of(path)) == []


@pytest.mark.slow
@pytest.mark.parametrize("library", ["keras", "sqlalchemy"])
def test_docstrings_of_a_library_are_those_of_its_syntax_trees(library: str) -> None:
    spec = importlib.util.find_spec(library)
    assert spec is not None
    assert spec.origin is not None
    for path in sorted(Path(spec.origin).parent.rglob("*.py")):
        source = path.read_bytes()
        if b'"""' in source:
            found = [docstring for docstring in docstrings_of(ast.parse(source)) if docstring]
            assert list(read_docstrings_of(path)) == found, path


def docstrings_of(tree: ast.AST) -> list[str | None]:
    """Of a module or a class and of all that it defines."""
    found = []
    if isinstance(tree, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        found.append(ast.get_docstring(tree))
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for part in ast.iter_child_nodes(tree):
            found += docstrings_of(part)
    return found
