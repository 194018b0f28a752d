"""A study in a terminal: what ended stays above, what runs stands below in a table that is drawn anew."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from analysis.words.labels import label_setting
from analysis.words.numbers import count, duration, rough_duration
from study.cli.console import ConsoleListener, say_rest
from study.forecast.costs import Estimate

if TYPE_CHECKING:
    from study.errors import EnvironmentFaultError
    from study.forecast.time_left import Backlog
    from study.machine.capacity import Capacity
    from study.spec.schema import StudySpec
    from study.trial import Assignment, Report

PER_SECOND = 4
"""So often is the table drawn."""

SUMMARY_LINES = 7
"""What a terminal's height leaves beside the runs: sums, the best, the stage, and a line for the cursor."""

LEAST_LABEL = 8
"""A setting is named where this many columns are left for it."""


def make_listener(console: Console, spec: StudySpec) -> ConsoleListener:
    """Return who shows a leg: in a terminal a table, elsewhere, and where it cannot be drawn, lines."""
    # Not rich's word alone: where colours are forced, it takes a pipe for a terminal.
    is_seen = sys.stdout.isatty() and console.is_interactive
    return LiveListener(console, spec) if is_seen else ConsoleListener(console, spec)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A run that a worker has."""

    name: str
    setting: str
    began_s: float
    n_epochs: int = 0
    figure: str = ""


@dataclass(frozen=True, kw_only=True)
class _View:
    """What is shown: never changed, so that it can be drawn on another thread.

    Attributes:
        stage: What is done before and after the trials, and when it began.
        rows: The runs.
        sums: How many runs ended, and how fast.
        left: What was left, and when.
        best: The best so far.
    """

    stage: tuple[str, float] | None = None
    rows: tuple[_Row, ...] = ()
    sums: str = ""
    left: tuple[Estimate, float] | None = None
    best: str = ""


class LiveListener(ConsoleListener):
    """Shows the runs that are trained, the best so far, pace and time left; prints what ended above them."""

    def __init__(
        self, console: Console, spec: StudySpec, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(console, spec, clock)
        self._view = _View()
        self._rows: dict[tuple[int, str, int], _Row] = {}
        self._best: float | None = None
        self._began_s, self._n_ended, self._n_failed = clock(), 0, 0
        self._live = Live(
            console=console, get_renderable=self.table, refresh_per_second=PER_SECOND, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        self._console.show_cursor(True)  # whatever ends the process, the terminal keeps its cursor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def table(self) -> RenderableType:
        """Return what is to be seen now; any thread may ask."""
        return _Table(self._view, self._spec, self._clock())

    def on_stage(self, text: str) -> None:
        """Show what is being done, and for how long."""
        self._stage_began_s = self._clock()
        self._show(stage=(text, self._stage_began_s))

    def on_plan(self, backlog: Backlog, capacity: Capacity) -> None:
        """Print how much there is to do."""
        super().on_plan(backlog, capacity)
        self._began_s = self._clock()
        self._show(stage=("waiting for the first worker", self._began_s), sums=self._say_sums())

    def on_start(self, assignment: Assignment) -> None:
        """Show a run."""
        super().on_start(assignment)
        seed = "" if assignment.replicate == 1 else f" seed {assignment.replicate}"
        phase = "" if assignment.phase == "search" else f" {assignment.phase}"
        setting = label_setting(assignment.params, self._spec.space.dimensions)
        name = f"trial {assignment.trial}{phase}{seed}"
        self._rows[_key_of(assignment)] = _Row(name=name, setting=setting, began_s=self._clock())
        self._show(stage=None)

    def on_report(self, assignment: Assignment, report: Report, state: str) -> None:
        """Show an epoch, or print a run that ended."""
        key = _key_of(assignment)
        if state != "running":
            self._rows.pop(key, None)
            self._n_ended += 1
            self._n_failed += state not in ("completed", "pruned")
        elif key in self._rows and report.figures is not None:
            value = getattr(report.figures, self._spec.objective)
            figure = "" if value is None else f"{value:.4f}"
            self._rows[key] = replace(self._rows[key], n_epochs=report.figures.epoch, figure=figure)
        if report.score is not None and (self._best is None or report.score > self._best):
            self._best = report.score
            setting = label_setting(assignment.params, self._spec.space.dimensions)
            # Of a loss the worker reports the negative, so that more is better.
            self._show(best=f"best {self._spec.objective} {abs(report.score):.4f}: {setting}")
        super().on_report(assignment, report, state)
        left = self._estimate_left()
        self._show(sums=self._say_sums(), left=None if left is None else (left, self._clock()))

    def on_lost(self, error: EnvironmentFaultError) -> None:
        """Take the table away, and print the line that `study` ends with on any other error."""
        self._live.stop()
        super().on_lost(error)

    def _say_progress(self, assignment: Assignment, report: Report) -> None:
        """Print no epoch: the table shows it."""

    def _show(self, **changes: object) -> None:
        self._view = replace(self._view, rows=tuple(self._rows.values()), **changes)  # type: ignore[arg-type]

    def _say_sums(self) -> str:
        done = f"{self._time_left.n_ended} of {count(self._time_left.n_runs, 'run')} done"
        failed = f", {self._n_failed} without a result" if self._n_failed else ""
        if not self._n_ended:
            return done
        return f"{done}{failed}; one every {rough_duration((self._clock() - self._began_s) / self._n_ended)}"


@dataclass(frozen=True)
class _Table:
    """A view at a time, as wide as the terminal is then."""

    view: _View
    spec: StudySpec
    now_s: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        view = self.view
        room = max(console.height - SUMMARY_LINES, 1)
        yield from self._list_runs(view.rows[:room], options.max_width)
        if len(view.rows) > room:
            yield Text(f"and {count(len(view.rows) - room, 'more run')}", "dim")
        left = ""
        if view.left is not None and view.stage is None:
            left = f"; {say_rest(_shorten(view.left[0], self.now_s - view.left[1]))}"
        for line in (view.sums and view.sums + left, view.best):
            if line:
                yield Text(line, "bold" if line is view.best else "")
        if view.stage is not None:
            text, began_s = view.stage
            yield Text.from_markup(f"[dim]{escape(text)} ... {_say_seconds(self.now_s - began_s)}[/dim]")
        yield Text()  # whatever ends the process, what the terminal shows next begins a line

    def _list_runs(self, rows: tuple[_Row, ...], width: int) -> Iterator[Text]:
        cells = [
            (
                row.name,
                f"epoch {row.n_epochs + 1}/{self.spec.training.max_epochs}"
                if row.n_epochs < self.spec.training.max_epochs
                else "ending",
                row.figure,
                _say_seconds(self.now_s - row.began_s),
            )
            for row in rows
        ]
        widths = [max(map(len, column), default=0) for column in zip(*cells, strict=True)]
        for row, parts in zip(rows, cells, strict=True):
            said = "  ".join(part.ljust(n) for part, n in zip(parts, widths, strict=True) if n)
            label = cut_words(row.setting, width - len(said) - 2)
            yield Text(f"{said}  {label}".rstrip(), no_wrap=True, overflow="ellipsis")


def cut_words(text: str, width: int) -> str:
    """Leave out the words that do not fit, and show that some are left out."""
    if len(text) <= width:
        return text
    if width < LEAST_LABEL:
        return ""
    kept = text[: width - 1].rpartition(" ")[0].rstrip(", ")
    return f"{kept} …" if kept and len(kept) + 2 <= width else "…"


def _say_seconds(seconds: float) -> str:
    """A time that ticks: never in tenths."""
    return duration(seconds) if seconds >= 59.5 else f"{seconds:.0f} s"


def _shorten(left: Estimate, passed_s: float) -> Estimate:
    """What is left of an estimate some time later."""
    return Estimate(*(max(seconds - passed_s, 0.0) for seconds in (left.middle, left.low, left.high)))


def _key_of(assignment: Assignment) -> tuple[int, str, int]:
    return assignment.trial, assignment.phase, assignment.replicate
