"""How a study goes on one line that is written anew: in a terminal, or below a notebook's cell."""

from __future__ import annotations

import shutil
import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from analysis.words.labels import label_setting
from analysis.words.numbers import duration, rough_duration
from study.forecast.time_left import TimeLeft
from study.running.listener import Listener

if TYPE_CHECKING:
    from study.errors import EnvironmentFaultError
    from study.forecast.time_left import Backlog
    from study.machine.capacity import Capacity
    from study.spec.schema import StudySpec
    from study.trial import Assignment, Report

PAUSE_S = 0.2
"""The line is written so often at most: a notebook keeps and sends each."""


class Line(Protocol):
    """A line that can be replaced; nothing else on the screen is touched."""

    def update(self, text: str) -> None:
        """Show `text` in place of what the line said."""

    def keep(self, text: str) -> None:
        """Show `text` for good, and go on below it."""


class TerminalLine:
    """The last line of a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def update(self, text: str) -> None:
        """Write over the line; a longer one than the terminal is wide would leave its beginning behind."""
        width = shutil.get_terminal_size().columns - 1
        shown = text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
        self._write(f"\r\x1b[2K{shown}")

    def keep(self, text: str) -> None:
        """Write a whole text over the line, and end it."""
        self._write(f"\r\x1b[2K{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class NotebookLine:
    """An output of its own below the cell."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    def update(self, text: str) -> None:
        """Replace the output."""
        content = {"text/plain": text}
        if self._handle is None:
            self._handle = self._display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def keep(self, text: str) -> None:
        """Replace the output for the last time; the next one is another."""
        self.update(text)
        self._handle = None


def find_line(stream: TextIO | None = None) -> Line | None:
    """Return the line that somebody can see: a notebook's or a terminal's, None where nobody looks."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        from IPython.display import display

        # Optuna imports a progress bar that we do not show, and that asks for widgets.
        warnings.filterwarnings("ignore", "IProgress not found")
        return NotebookLine(display)
    stream = sys.stderr if stream is None else stream
    return TerminalLine(stream) if stream.isatty() else None


class ProgressLine(Listener):
    """Says on one line what is being done, how far it is and what was best."""

    def __init__(self, spec: StudySpec, line: Line, clock: Callable[[], float] = time.monotonic) -> None:
        self._spec, self._line, self._clock = spec, line, clock
        self._stage = ""
        self._left: TimeLeft | None = None  # until it is known what there is to do
        self._running: set[tuple[int, int]] = set()
        self._best: tuple[float, str] | None = None
        self._began = clock()
        self._written = -float("inf")

    def on_stage(self, text: str) -> None:
        """Show what is being done."""
        self._stage = text
        self._write(at_once=True)

    def on_warning(self, text: str) -> None:
        """Show what a user should know, on a line that stays."""
        self._line.keep(f"{self._spec.name}: {text}")
        self._write(at_once=True)

    def on_plan(self, backlog: Backlog, capacity: Capacity) -> None:
        """Show how much there is to do."""
        self._stage = ""
        self._spec, self._left = backlog.spec, TimeLeft(backlog)
        self._write(at_once=True)

    def on_start(self, assignment: Assignment) -> None:
        """Count a run that a worker took."""
        self._running.add((assignment.trial, assignment.replicate))
        if self._left is not None:
            self._left.begin(assignment, self._clock())
        self._write()

    def on_report(self, assignment: Assignment, report: Report, state: str) -> None:
        """Count a run that ended, and show the best score."""
        if state != "running":
            self._running.discard((assignment.trial, assignment.replicate))
        if self._left is not None:
            self._left.record(assignment, report, state, self._clock())
        if report.score is not None and (self._best is None or report.score > self._best[0]):
            label = label_setting(assignment.params, self._spec.space.dimensions)
            self._best = report.score, label
        self._write()

    def on_lost(self, error: EnvironmentFaultError) -> None:
        """Show why the process ends."""
        self._line.keep(f"{self._spec.name}: {error}")

    def end(self, text: str) -> None:
        """Leave the figures and a last word in the line's place."""
        self._stage, self._running = text, set()
        self._line.keep(self._describe(self._clock()))

    def _write(self, *, at_once: bool = False) -> None:
        now = self._clock()
        if at_once or now - self._written >= PAUSE_S:
            self._written = now
            self._line.update(self._describe(now))

    def _describe(self, now: float) -> str:
        parts = []
        if self._left is not None:
            parts.append(f"{self._left.n_ended}/{self._left.n_runs} runs")
        if self._running:
            parts.append(f"{len(self._running)} running")
        if self._best is not None:
            score, label = self._best
            # Of a loss the worker reports the negative, so that more is better.
            parts.append(f"best {self._spec.objective} {abs(score):.4f}: {label}")
        left = None if self._left is None or self._stage else self._left.left(now)
        if left is not None:
            parts.append(f"about {rough_duration(left.middle)} left")
        parts += [self._stage] if self._stage else []
        return f"{self._spec.name}: {'; '.join(parts)} ({duration(now - self._began)})"
