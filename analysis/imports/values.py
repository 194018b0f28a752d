"""Parameters that were written as text: in the cells of a table, or in the names of files and folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def read_value(value: Any) -> Any:
    """A parameter from a table or a name: numbers, truth values and nothing as such, else its text."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value.lower() if value in ("True", "False") else value)
    except ValueError:
        return None if value in ("None", "null", "") else value
    return parsed if isinstance(parsed, bool | int | float | str) else value


def read_path(path: Path) -> dict[str, Any]:
    """The parameters that a path names in parts `key=value`, as in `cell=lstm,units=32/seed=1`."""
    pieces = (piece for part in path.parts for piece in part.replace("__", ",").split(","))
    pairs = (piece.partition("=") for piece in pieces)
    return {key: read_value(value) for key, equals, value in pairs if equals and key}
