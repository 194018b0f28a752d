"""The studies that come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from analysis.records.paths import as_path
from search_spaces.errors import hint_name
from study.data.messages import path_quoted
from study.errors import StudyError
from study.spec.origin import Origin


def preset_names() -> list[str]:
    """Return the presets' names, in alphabetical order."""
    names = (path.name for path in files(__package__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def find_document(spec: str) -> tuple[dict[str, Any], Origin]:
    """Return the document of a preset or of a YAML file, and where it comes from.

    Raises:
        StudyError: If there is neither.
    """
    from study.spec.documents import parse_document, read_text

    if spec in preset_names():
        text = (files(__package__) / f"{spec}.yaml").read_text(encoding="utf-8")
        return parse_document(text, f"preset {spec}"), Origin(f"preset {spec}", text)
    path = as_path(spec, error=StudyError)
    if path.suffix not in (".yaml", ".yml") and not _exists(path):
        hint = hint_name(spec, preset_names())
        raise StudyError(f"a spec is a preset or a YAML file: {path_quoted(spec)} is neither; {hint}")
    text = read_text(path)
    return parse_document(text, str(path)), Origin(str(path), text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a path may be
        return False
