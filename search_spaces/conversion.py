"""Spaces from the files of other tools, whichever wrote them, and to such files."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.domains import Choice, Integer, Real, name_density
from search_spaces.errors import SpaceError, hint_name
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
    _check_known(form, READERS, "read")
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


@dataclass(frozen=True)
class Converted:
    """What became of a file.

    Args:
        space: What was read, without what was dropped.
        text: It in the form that was asked for; empty where none was.
        notes: Lines that say what was read, and what was kept.
    """

    space: Space
    text: str
    notes: tuple[str, ...]


def convert(path: Path, source: str | None, target: str | None, dropped: Sequence[str] = ()) -> Converted:
    """Read a file, and write its space in another form.

    Args:
        path: The file.
        source: The form that it is read as, see `read_space`.
        target: The form to write, see `write_space`; None for none.
        dropped: Parts to go without, of `DROPPABLE`.

    Raises:
        SpaceError: If it cannot be read, or the form has no place for something, which is named.
        ModuleNotFoundError: If that takes a library that is not installed.
    """
    _check_known(target, WRITERS, "written")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        space, form = read_space(path, source)
    notes = [f"{path}, read as {form}: {summarize(space)}"]
    notes += [f"note: {' '.join(str(warning.message).split())}" for warning in caught]
    for part in dropped:
        _check_known(part, DROPPABLE, "dropped")
        space = DROPPABLE[part](space)
    if dropped:
        notes.append(f"without its {', '.join(dropped)}: {summarize(space)}")
    if target is None:
        return Converted(space, "", tuple(notes))
    text = write_space(space, target)
    changes = list_changes(space, target, text)
    notes += [f"changed: {line}" for line in changes]
    if target in READERS:
        notes.append(f"kept as {target}: {'all else' if changes else 'all of it'}")
    elif target in _LOST:
        notes.append(f"written as {target}: {_LOST[target]}")
    return Converted(space, text, tuple(notes))


_LOST = {
    "json-schema": "conditions and constraints are descriptions, and steps, weights and scales are in words",
    "ray": "steps and order are plain choices",
}
"""What forms that are not read back do not keep, in words."""


def describe(space: Space) -> str:
    """How many settings a space has, where a search begins, and what is odd about it: a line each."""
    try:
        size = space.size()
        lines = [f"{size} legal settings" if math.isfinite(size) else "infinitely many legal settings"]
    except SpaceError as error:
        lines = [f"legal settings are not counted: {error}"]
    if space.defaults:
        lines.append(
            f"begins with {', '.join(f'{name}={value!r}' for name, value in space.defaults.items())}"
        )
    lines += [f"warning: {warning}" for warning in space.warnings()]
    return "\n".join(lines) + "\n"


def write_space(space: Space, form: str) -> str:
    """The text of a space in a format, one of `WRITERS`.

    Raises:
        SpaceError: If the format is unknown, or has no place for something in the space, which is named.
        ModuleNotFoundError: If writing the format takes a library that is not installed.
    """
    _check_known(form, WRITERS, "written")
    return WRITERS[form](space).rstrip("\n") + "\n"


def list_changes(space: Space, form: str, text: str) -> list[str]:
    """Where the space that a text of `write_space` is read as differs, in words.

    Nothing where the form is not read, or keeps the space whole.
    """
    if form not in READERS:
        return []
    if form in ("yaml", "json"):
        again = Space.from_yaml(text) if form == "yaml" else Space.from_document(json.loads(text))
    else:
        again = READERS[form](read_source(text, form))
    lines = []
    for name, domain in space.parameters.items():
        other = again.parameters.get(name)
        if other != domain:
            lines.append(f"{name}: {domain!r} is read back as {other!r}")
    for what in ("conditions", "constraints", "defaults"):
        mine, theirs = getattr(space, what), getattr(again, what)
        if mine != theirs:
            lines.append(f"{what}: {_say(mine)} are read back as {_say(theirs)}")
    return lines


def summarize(space: Space) -> str:
    """What a space holds, in a phrase: its parameters, and what is particular about them."""
    domains = space.parameters.values()
    counted = {
        "on a log scale": sum(isinstance(d, (Integer, Real)) and d.log for d in domains),
        "with steps": sum(isinstance(d, (Integer, Real)) and d.step not in (None, 1) for d in domains),
        "in order": sum(isinstance(d, Choice) and d.ordered for d in domains),
        "weighted or normal": sum(name_density(d) is not None for d in domains),
        "fixed": len(space) - len(space.dimensions),
    }
    said = ", ".join(f"{n} {what}" for what, n in counted.items() if n)
    parts = [_count(len(space), "parameter") + (f" ({said})" if said else "")]
    for what, items in (
        ("condition", space.conditions),
        ("constraint", space.constraints),
        ("default", space.defaults),
    ):
        if items:
            parts.append(_count(len(items), what))
    return ", ".join(parts)


DROPPABLE: dict[str, Callable[[Space], Space]] = {
    "conditions": lambda space: Space(space.parameters, {}, space.constraints, space.defaults),
    "constraints": lambda space: Space(space.parameters, space.conditions, (), space.defaults),
    "defaults": lambda space: Space(space.parameters, space.conditions, space.constraints),
    "weights": Space.uniform,
}
"""Parts that a space can go without, for forms without a place for them; `weights` are normal ranges, too."""


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _say(items: Any) -> str:
    if isinstance(items, Mapping):
        return "; ".join(f"{name}: {item}" for name, item in items.items()) or "none"
    return "; ".join(map(str, items)) or "none"


def _check_known(form: str | None, known: Mapping[str, Any], verb: str) -> None:
    if form is not None and form not in known:
        raise SpaceError(f"{form!r} is no form that is {verb}: {hint_name(form, known)}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# ---- readers


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


# ---- writers


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
