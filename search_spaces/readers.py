"""Spaces from the files of other tools, whichever wrote them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from search_spaces.errors import SpaceError, check_form
from search_spaces.formats.beginnings import JOURNAL, SQLITE
from search_spaces.formats.detection import detect_format
from search_spaces.formats.reading import check_mapping, read_source
from search_spaces.space import Space


def read_space(path: Path, form: str | None = None) -> tuple[Space, str]:
    """The space in a file, and the format that it was read as.

    Args:
        path: The file.
        form: One of `READERS`; left out, it is told from the content.

    Raises:
        SpaceError: If there is no such file, no format is recognised, or something has no counterpart here.
        ModuleNotFoundError: If reading the format takes a library that is not installed.
    """
    check_form(form, READERS, "read")
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE))
    except OSError as error:
        raise SpaceError(f"{path} cannot be read ({error.strerror}): give the path of a space.") from None
    if (start.startswith(JOURNAL) or start == SQLITE) and form in (None, "optuna"):
        return _read_storage(path), "optuna"
    found = read_source(path, "a space")
    form = form or detect_format(found)
    if form is None:
        raise SpaceError(
            f"{path} is no space of a known form: say which with --from, one of {', '.join(READERS)}."
        )
    if form == "yaml":
        text = path.read_text(encoding="utf-8")
        return (Space.from_document(found) if _is_json(text) else Space.from_yaml(text, str(path))), form
    try:
        return READERS[form](found), form
    except SpaceError as error:
        raise SpaceError(f"{path}, read as {form}: {error}", error.path) from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read_storage(path: Path) -> Space:
    """The space of the only study in a file of Optuna's."""
    from search_spaces.adapters import optuna_files as adapter

    return adapter.from_file(path)


def _read_optuna(found: Any) -> Space:
    from search_spaces.adapters import optuna_files as adapter

    return adapter.from_documents(check_mapping(found, "distributions"))


def _read_configspace(found: Any) -> Space:
    from search_spaces.adapters import configspace_files as adapter

    return adapter.from_document(check_mapping(found, "a ConfigSpace"))


READERS: dict[str, Callable[[Any], Space]] = {
    "yaml": Space.from_document,
    "json": Space.from_document,
    "wandb": Space.from_wandb,
    "katib": Space.from_katib,
    "synetune": Space.from_synetune,
    "kerastuner": Space.from_kerastuner,
    "ax": Space.from_ax,
    "vizier": Space.from_vizier,
    "nni": Space.from_nni,
    "configspace": _read_configspace,
    "optuna": _read_optuna,
}
"""What makes a space of the object in a file, by format."""
