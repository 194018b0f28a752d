"""Specs as files and texts, read as documents: mappings of keys to values that nothing has checked yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search_spaces.documents import load_document
from study.errors import StudyError


def read_document(path: Path) -> dict[str, Any]:
    """Read a spec's document; `StudySpec.from_document` checks it.

    Raises:
        StudyError: If the file is missing or is no safe YAML.
    """
    return parse_document(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read the text of a spec's file.

    Raises:
        StudyError: If it is missing or no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise StudyError(
            f"a spec is a preset or a YAML file: {path}: {error.strerror}; see `study presets`"
        ) from error
    except UnicodeDecodeError as error:
        raise StudyError(
            f"a spec is UTF-8 text: {path}: byte {error.start} is not; save it as UTF-8"
        ) from error


def parse_document(text: str, source: str) -> dict[str, Any]:
    """Parse the text of a spec.

    Raises:
        StudyError: If it is no mapping.
        SpaceError: If it is no safe YAML.
    """
    document = load_document(text, source)
    if not isinstance(document, dict):
        raise StudyError(f"{source}: a spec is a mapping of keys to values: {type(document).__name__} is not")
    return document
