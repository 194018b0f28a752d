"""What of a report could not be made: said in its place, the rest in a file; never worth the report."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from analysis.records.atomic import replace_file

FAULTS_FILE = "faults.log"
"""Beside the page where something of it could not be made, and only there."""

_HEADING = "== "

T = TypeVar("T")


@dataclass(frozen=True)
class Faults:
    """What could not be made, and the traceback of each, in order."""

    traces: dict[str, str] = field(default_factory=dict)

    def attempt(self, what: str, make: Callable[[], T], otherwise: Callable[[str], T]) -> T:
        """Return what `make` returns; if it raises, note it and return `otherwise`, given the sentence."""
        try:
            return make()
        except Exception as error:  # of ours, a library's or a model's: none may cost the rest
            self.add(what, error)
            said = " ".join(traceback.format_exception_only(error)[-1].split())[:300]
            return otherwise(f"Could not be made: {what} ({said}). {FAULTS_FILE} has the rest.")

    def add(self, what: str, error: Exception) -> None:
        """Note what could not be made, and why."""
        self.traces[what] = "".join(traceback.format_exception(error))

    def write(self, folder: Path) -> None:
        """Write the file, or remove that of an earlier report."""
        path = folder / FAULTS_FILE
        if not self.traces:
            path.unlink(missing_ok=True)
            return
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(f"{_HEADING}{what}\n{trace}" for what, trace in self.traces.items())
        replace_file(path, lambda stream: stream.write(text.encode(errors="replace")))


def read_faults(folder: Path) -> tuple[str, ...]:
    """Return what of the report in a folder could not be made."""
    path = folder / FAULTS_FILE
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(line.removeprefix(_HEADING) for line in lines if line.startswith(_HEADING))
