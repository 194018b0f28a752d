"""Docstrings of a Python file, from the code that its installer compiled: a tenth of the time of parsing."""

from __future__ import annotations

import dis
import importlib.util
import inspect
import logging
import marshal
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import CodeType

logger = logging.getLogger(__name__)

_HEADER = 16  # bytes: magic number, flags, then time and size of the source or its hash
# Functions say so from Python 3.14 on; before, the first constant of those without is None.
_HAS_DOCSTRING: int = getattr(inspect, "CO_HAS_DOCSTRING", 0)
_STORE_NAME = dis.opmap["STORE_NAME"]
_CLASS_HEADER = {"__name__", "__module__", "__qualname__", "__firstlineno__", "__type_params__"}
"""What a class's body names before its docstring."""


def read_docstrings_of(path: Path) -> Iterator[str]:
    """Return the docstrings of a file's module, classes, methods and functions, not of what functions define.

    The file is never imported. It is compiled here where its code does not lie beside it, or is of another
    source.
    """
    source = path.read_bytes()
    if b'"""' not in source:  # most files that only re-export
        return
    code = _find_code(path, source) or _compile(path, source)
    if code is None:
        return
    for docstring in (_docstring_of_module(code), *_docstrings_in(code)):
        if docstring and "\0" not in docstring:
            yield docstring


def _find_code(path: Path, source: bytes) -> CodeType | None:
    """Return what an installer has compiled, None where there is nothing or it is of another source."""
    try:
        # Whatever this process was started with: optimized code may hold no docstrings.
        compiled = Path(importlib.util.cache_from_source(path, optimization="")).read_bytes()
        header = compiled[:_HEADER]
        if header[:4] != importlib.util.MAGIC_NUMBER or header[8:] not in _stamps(path, source, header[4:8]):
            return None
        code = marshal.loads(memoryview(compiled)[_HEADER:])  # noqa: S302  # who imports the library does so
    except (OSError, NotImplementedError, EOFError, ValueError, TypeError) as error:
        logger.debug("docstrings: %s is compiled here: %s", path, error)
        return None
    return code if isinstance(code, CodeType) else None


def _stamps(path: Path, source: bytes, flags: bytes) -> tuple[bytes, ...]:
    """What the header of compiled code may say of its source (PEP 552)."""
    if int.from_bytes(flags, "little"):
        return (importlib.util.source_hash(source),)
    changed_s = int(path.stat().st_mtime) & 0xFFFFFFFF
    return (changed_s.to_bytes(4, "little") + (len(source) & 0xFFFFFFFF).to_bytes(4, "little"),)


def _compile(path: Path, source: bytes) -> CodeType | None:
    with warnings.catch_warnings():
        # Old escapes in other people's strings are not ours to report.
        warnings.simplefilter("ignore")
        try:
            return compile(source, str(path), "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError) as error:
            logger.debug("docstrings: %s is left out, it does not compile: %s", path, error)
            return None


def _docstring_of_module(code: CodeType) -> str:
    is_set = code.co_names[:1] == ("__doc__",) and isinstance(code.co_consts[0], str)
    return inspect.cleandoc(code.co_consts[0]) if is_set else ""


def _docstrings_in(code: CodeType) -> Iterator[str]:
    """Docstrings of what a module or a class defines, in the order of its source."""
    for inner in code.co_consts:
        if not isinstance(inner, CodeType):
            continue
        if inner.co_name.startswith("<generic parameters of "):
            yield from _docstrings_in(inner)
        elif inner.co_name.startswith("<"):  # a lambda or a comprehension
            continue
        elif inner.co_flags & inspect.CO_OPTIMIZED:
            yield _docstring_of_function(inner)
        else:
            yield _docstring_of_class(inner)
            yield from _docstrings_in(inner)


def _docstring_of_function(code: CodeType) -> str:
    has_one = not _HAS_DOCSTRING or code.co_flags & _HAS_DOCSTRING
    first = code.co_consts[0] if has_one and code.co_consts else None
    return inspect.cleandoc(first) if isinstance(first, str) else ""


def _docstring_of_class(code: CodeType) -> str:
    if next((name for name in code.co_names if name not in _CLASS_HEADER), None) != "__doc__":
        return ""
    steps = zip(code.co_code[::2], code.co_code[1::2], strict=True)
    number = next(n for n, step in enumerate(steps) if step == (_STORE_NAME, code.co_names.index("__doc__")))
    taken, stored = islice(code.co_positions(), number - 1, number + 1)
    if taken != stored:  # `__doc__ = "..."` is stored at the name's place, a docstring at its own
        return ""
    # The first constant is the class's own name.
    return inspect.cleandoc(next((value for value in code.co_consts[1:] if isinstance(value, str)), ""))
