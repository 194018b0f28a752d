"""Spaces as texts that other tools read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from search_spaces.errors import check_form
from search_spaces.space import Space


def write_space(space: Space, form: str) -> str:
    """The text of a space in a format, one of `WRITERS`.

    Raises:
        SpaceError: If the format is unknown, or has no place for something in the space, which is named.
        ModuleNotFoundError: If writing the format takes a library that is not installed.
    """
    check_form(form, WRITERS, "written")
    return WRITERS[form](space).rstrip("\n") + "\n"


def _to_json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _to_yaml(document: Any) -> str:
    from search_spaces.documents import dump_document

    return dump_document(document)


def _write_wandb(space: Space) -> str:
    from search_spaces.formats.wandb import write_wandb

    return _to_yaml(write_wandb(space))


def _write_katib(space: Space) -> str:
    from search_spaces.formats.katib import write_katib

    return _to_yaml(write_katib(space))


def _write_synetune(space: Space) -> str:
    from search_spaces.formats.synetune import write_synetune

    return _to_json(write_synetune(space))


def _write_configspace(space: Space) -> str:
    from search_spaces.adapters import configspace_files as adapter

    return _to_json(adapter.to_document(space))


def _write_optuna(space: Space) -> str:
    from search_spaces.adapters import optuna_files as adapter

    return _to_json(adapter.to_documents(space))


def _write_ray(space: Space) -> str:
    from search_spaces.formats.ray import write_ray

    return write_ray(space)


WRITERS: dict[str, Callable[[Space], str]] = {
    "yaml": Space.to_yaml,
    "json": lambda space: _to_json(space.to_document()),
    "json-schema": lambda space: _to_json(space.json_schema()),
    "configspace": _write_configspace,
    "optuna": _write_optuna,
    "ray": _write_ray,
    "wandb": _write_wandb,
    "katib": _write_katib,
    "synetune": _write_synetune,
}
"""What makes a text of a space, by format."""
