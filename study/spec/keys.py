"""A spec's document: plain values, before they are checked."""

from __future__ import annotations

from typing import Any

from study.errors import StudyError


def put_setting(document: dict[str, Any], key: str, value: object) -> None:
    """Put a value into a document under a dotted key.

    Raises:
        StudyError: If the key leads through a single value.
    """
    *path, last = key.split(".")
    for part in path:
        inner = document.setdefault(part, {})
        if not isinstance(inner, dict):
            raise StudyError(f"{key} is not a key: {part} holds a single value; see docs/spec.md")
        document = inner
    document[last] = value
