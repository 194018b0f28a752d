"""A space in a file of one tool's, written for another; and what became of it, in words."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.domains import Choice, Integer, Real, name_density
from search_spaces.errors import SpaceError, check_form
from search_spaces.formats.reading import read_source
from search_spaces.readers import READERS, read_space
from search_spaces.space import Space
from search_spaces.writers import WRITERS, write_space


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
    check_form(target, WRITERS, "written")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        space, form = read_space(path, source)
    notes = [f"{path}, read as {form}: {summarize(space)}"]
    notes += [f"note: {' '.join(str(warning.message).split())}" for warning in caught]
    for part in dropped:
        check_form(part, DROPPABLE, "dropped")
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
