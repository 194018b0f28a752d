"""What a person at a terminal sees of a study while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.report.faults import FAULTS_FILE
from analysis.words.labels import label_setting
from analysis.words.numbers import byte_size, count, rough_duration
from study.forecast.costs import Estimate
from study.forecast.time_left import Backlog, TimeLeft
from study.machine.capacity import count_cpus, count_memory, limit_of_process
from study.running.listener import Listener
from study.running.result import StudyResult

if TYPE_CHECKING:
    from study.errors import EnvironmentFaultError
    from study.forecast.price import Price
    from study.machine.capacity import Capacity
    from study.spec.schema import StudySpec
    from study.trial import Assignment, Report

LONG_EPOCH_S = 10.0
"""From here on an epoch has a line of its own."""

END_S = 4.0
"""What follows the last run, on two idle cores and with 18 runs: Ray ends, the report is written.

On a busy machine that takes about as long as Ray took to start: 27 and 24 s at a load of 14.
"""

WIDE = 2.5
"""Where the upper limit of the time left is more than this many times the lower one, both are printed."""

BUSY_STRETCH = 1.3
"""Where timing took this many times its CPU seconds, the machine is said to be busy."""

_STYLES = {"completed": "green", "pruned": "yellow", "failed": "red", "diverged": "red", "timeout": "red"}


class ConsoleListener(Listener):
    """Prints a line for each stage and for each trial that ended; within it, more may be seen."""

    def __init__(
        self, console: Console, spec: StudySpec, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console, self._spec, self._clock = console, spec, clock
        self._time_left = TimeLeft(
            Backlog(spec=spec, n_trials=0, n_seeds=1, n_ended=0, waiting=(), may_stop=False, n_slots=1)
        )
        self._stage_began_s, self._end_s = clock(), END_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def on_stage(self, text: str) -> None:
        """Print what is being done."""
        self._stage_began_s = self._clock()
        self._console.print(f"[dim]{escape(text)} ...[/dim]")

    def on_design(self, sentences: Sequence[str]) -> None:
        """Print what the study can and cannot answer."""
        print_sentences(self._console, sentences)

    def on_warning(self, text: str) -> None:
        """Print what a user should know."""
        print_warning(self._console, text)

    def on_plan(self, backlog: Backlog, capacity: Capacity) -> None:
        """Print how much there is to do."""
        self._end_s = max(END_S, self._clock() - self._stage_began_s)  # the last stage was Ray's start
        self._spec, self._time_left = backlog.spec, TimeLeft(backlog)
        seeds = "" if backlog.n_seeds == 1 else f" under {backlog.n_seeds} seeds each"
        nodes = "" if capacity.nodes == 1 else f" on {capacity.nodes} nodes"
        gpus = f" and {capacity.gpus:g} GPUs" if capacity.gpus else ""
        self._console.print(
            f"{count(backlog.n_trials, 'trial')}{seeds} on {count(capacity.cpus, 'CPU')}{gpus}{nodes}"
        )
        if backlog.n_ended:
            self._console.print(f"continues: {backlog.n_ended} of {self._time_left.n_runs} done")

    def on_start(self, assignment: Assignment) -> None:
        """Print nothing: a line when it has ended is enough."""
        self._time_left.begin(assignment, self._clock())

    def on_report(self, assignment: Assignment, report: Report, state: str) -> None:
        """Print a trial that ended."""
        self._time_left.record(assignment, report, state, self._clock())
        if state == "running":
            self._say_progress(assignment, report)
            return
        count = f"{self._time_left.n_ended}/{self._time_left.n_runs}"
        if assignment.phase == "audit":
            count = "audit"
        setting = label_setting(assignment.params, self._spec.space.dimensions)
        is_first = assignment.replicate == 1 or assignment.phase == "audit"
        replicate = "" if is_first else f" seed {assignment.replicate}"
        said = (
            report.reason if report.reason and state not in ("completed", "pruned") else _say_figures(report)
        )
        say(
            self._console,
            f"{count:>7}  [{_STYLES[state]}]{state:<9}[/]  ",
            f"{escape(said)}  [dim]{(report.wall_s or 0):5.1f} s[/dim]  {escape(setting)}{replicate}"
            f"{self._say_left()}",
        )

    def on_lost(self, error: EnvironmentFaultError) -> None:
        """Print the line that `study` ends with on any other error."""
        print(f"study: {error}", file=sys.stderr, flush=True)

    def _say_progress(self, assignment: Assignment, report: Report) -> None:
        """Print an epoch that took long: nobody should have to wonder whether anything happens."""
        if report.figures is not None and report.figures.epoch_s >= LONG_EPOCH_S:
            figures = f"trial {assignment.trial}: {_say_figures(report)}, {report.figures.epoch_s:.0f} s"
            say(self._console, " " * 9, f"[dim]{figures}{self._say_left()}[/dim]")

    def _say_left(self) -> str:
        left = self._estimate_left()
        return "" if left is None else f"[dim]; {say_rest(left)}[/dim]"

    def _estimate_left(self) -> Estimate | None:
        """The seconds until the report is written, None before there is an epoch to judge by."""
        left = self._time_left.left(self._clock())
        return None if left is None else left.plus(Estimate(self._end_s, self._end_s, self._end_s))


def say(console: Console, beginning: str, text: str) -> None:
    """Print a text behind its beginning, both as markup; a terminal breaks it between words, below itself.

    Elsewhere it is one line, whatever that is read by.
    """
    if not console.is_terminal:
        console.print(beginning + text, soft_wrap=True)
        return
    columns = Table.grid()
    columns.add_column(no_wrap=True)
    columns.add_column(overflow="fold")
    columns.add_row(beginning, text)
    console.print(columns)


def say_rest(left: Estimate) -> str:
    """Say how much time is left, and between which limits where these lie far apart."""
    said = f"about {rough_duration(left.middle)} left"
    if left.high < WIDE * left.low:
        return said
    return f"{said} ({rough_duration(left.low)} to {rough_duration(left.high)})"


def _say_figures(report: Report) -> str:
    if report.figures is None or report.score is None:
        return ""
    figures = report.figures
    return (
        f"val accuracy {figures.val_accuracy:.3f}, loss {figures.val_loss:.3f} "
        f"after epoch {figures.epoch} (best: {report.best_epoch})"
    )


def print_sentences(console: Console, sentences: Sequence[str]) -> None:
    """Print what a design says of itself."""
    for sentence in sentences:
        say(console, "- ", escape(sentence))


def print_warning(console: Console, text: str) -> None:
    """Print what a user should know."""
    say(console, "", f"[yellow]{escape(text)}[/yellow]")


def print_plan(console: Console, spec: StudySpec, *, listed: bool) -> None:
    """Print what a study would do, and its settings too if they are `listed`."""
    print_sentences(console, spec.design.explain(spec.space, spec.seeds, spec.seed))
    room = f"CPUs here: {count_cpus()}; memory: {_say_room()}"
    print_sentences(console, [f"{room}. `study price` says what the runs take of them."])
    for warning in spec.space.warnings():
        print_warning(console, warning)
    if not listed:
        return
    plan = spec.design.plan(spec.space, spec.seed)
    if plan is None:
        console.print("the sampler decides each setting when it has seen the earlier ones")
        return
    for number, setting in enumerate(plan):
        console.print(f"{number:>4}  {escape(label_setting(setting, spec.space.dimensions))}", soft_wrap=True)


def print_price(console: Console, price: Price, n_slots: int, n_slots_here: int) -> None:
    """Print what a study will cost, and how that is known.

    Args:
        console: Where.
        price: What it will cost.
        n_slots: Runs at once.
        n_slots_here: As many of them as this machine takes at once.
    """
    error = "" if price.error is None else f", which the model of costs meets within {price.error:.0%}"
    stopped = "" if price.epochs_share > 0.999 else f"; {price.epochs_share:.0%} of all epochs trained"
    most = ""
    if price.most_disk_bytes is not None:
        most = f", at most {byte_size(price.most_disk_bytes, round_up=True)} while it runs"
    seconds, is_elsewhere = price.seconds, n_slots > n_slots_here
    room = "" if is_elsewhere else f"; there are {_say_room()}"
    console.print(
        f"{count(price.n_timed, 'setting')} timed in {price.timed_s:.0f} s{error}; nine times out of ten:",
        f"  time    {rough_duration(seconds.middle)} ({rough_duration(seconds.low)} to "
        f"{rough_duration(seconds.high)}) with {count(n_slots, 'run')} at once{stopped}",
        f"  memory  {_say_bytes(price.memory_bytes)} in all{room}",
        f"  disk    {_say_bytes(price.disk_bytes)}{most}",
        sep="\n",
        soft_wrap=True,
    )
    if price.stretch > BUSY_STRETCH:
        console.print(
            f"  this machine is busy: everything is taken to last {price.stretch:.1f} times as long as alone"
        )
    if not is_elsewhere and price.memory_bytes.middle > count_memory():
        print_warning(console, "  that is more memory than there is: run fewer at once with --workers")
    if is_elsewhere:
        console.print("  workers are taken to be as fast as this machine's", soft_wrap=True)


def _say_room() -> str:
    """Say how much memory there is, of which a container or a limit of the shell may leave a part."""
    each = limit_of_process()
    return f"{byte_size(count_memory())}" + ("" if each is None else f", {byte_size(each)} a process")


def _say_bytes(size: Estimate) -> str:
    unit, name, digits = (1e9, "GB", 1) if size.middle >= 1e9 else (1e6, "MB", 0)
    middle, low, high = (f"{n / unit:.{digits}f}" for n in (size.middle, size.low, size.high))
    return f"{middle} {name} ({low} to {high})"


def print_result(console: Console, result: StudyResult) -> None:
    """Print the closing lines: what was found, and where to read more."""
    if result.interruption is not None:
        print_warning(
            console, f"stopped: {result.interruption}; continue with: study resume {result.directory.path}"
        )
    if result.missing:
        missing = f"{', '.join(result.missing)}; see {result.directory.report / FAULTS_FILE}"
        print_warning(console, f"could not be made: {missing}")
    if result.report is None:
        return
    for finding in _findings(result):
        say(console, "- ", escape(finding))
    console.print(f"report: {escape(str(result.report))}", soft_wrap=True)


def _findings(result: StudyResult) -> tuple[str, ...]:
    try:
        return result.findings
    except Exception:
        return ()  # the report has met the same, and said so
