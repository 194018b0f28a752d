"""Where a spec's document comes from, so that a message can say at which line it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from search_spaces.errors import SpaceError


@dataclass(frozen=True)
class Origin:
    """A document's file, or whatever else it was made of.

    Attributes:
        name: What to call it.
        text: Its YAML; None where it was never written down.
        overrides: Who put a value over the file's, by dotted key: `{"space.units": "--set space.units"}`.
    """

    name: str
    text: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)

    def place(self, path: Sequence[str | int]) -> str:
        """Say where the keys that lead to a value stand: `study.yaml:3:5`, or `--set space.units`."""
        for key, option in self.overrides.items():
            parts = key.split(".")
            if list(path[: len(parts)]) == parts:
                return option
        if self.text is None:
            return self.name
        from search_spaces.documents import find_place

        line, column = find_place(self.text, path)
        return f"{self.name}:{line}:{column}"


def find_path(error: ValidationError, tags: Sequence[str], space: object) -> list[str | int]:
    """Return the keys that lead to the first fault of a document.

    Args:
        error: What its check raised.
        tags: Names that pydantic puts into paths and nobody wrote: the kinds of a union.
        space: The document's `space`: its parameters may stand in it directly.
    """
    first = error.errors(include_url=False)[0]
    path = [step for step in first["loc"] if step not in tags]
    if first["type"] == "union_tag_invalid":
        return [*path, first["ctx"]["discriminator"].strip("'")]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, SpaceError):
        inner = list(cause.path)
        # What a parameter's own reader says begins with the parameter's name.
        if not inner and (name := re.match(r"'?(\w+)'?(?=[ :])", str(cause))):
            inner = ["parameters", name[1]]
        if inner[:1] == ["parameters"] and not (isinstance(space, Mapping) and "parameters" in space):
            del inner[0]
        return ["space", *inner]
    if not path and (key := re.match(r"[a-z_]+(\.[a-z_]+)*(?=[ =])", str(cause))):
        return list(key[0].split("."))  # a rule about several keys begins with the one to change
    return path
