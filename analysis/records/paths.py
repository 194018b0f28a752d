"""Paths as people give them to a function: text or path, with `~` for their home."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from analysis.errors import AnalysisError

AnyPath: TypeAlias = str | os.PathLike[str]


def as_path(given: AnyPath, *, error: type[ValueError] = AnalysisError) -> Path:
    """The path that is meant, `~` and `~name` at its beginning replaced by the home of who that is.

    Raises:
        ValueError: Of the type of `error`, if it is no path.
    """
    text = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(text, str):
        kind = type(given).__name__
        raise error(f"a path is text or a pathlib.Path: {given!r} is {kind}; give one of these")
    return Path(os.path.expanduser(text))  # noqa: PTH111 - which takes `./~` for a name, and raises nothing
