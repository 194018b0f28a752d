"""The figures of a report, drawn by two processes where there are CPUs for them.

Drawing is most of what the report of a small study takes, and a half of that of a large one.
`python -m analysis.report.drawing` is the second process: it loads its libraries while the first computes.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO, cast

from matplotlib.figure import Figure

from analysis.garbage import no_collection
from analysis.plots.style import narrowed, styled
from analysis.report.content import Chart
from analysis.report.faults import Faults
from analysis.report.svg import Drawn, render_svg, save_figure

COMMAND = (sys.executable, "-P", "-m", "analysis.report.drawing")
"""Draws; the program is ours, whatever lies in the working folder."""

PATIENCE_S = 2.0
"""How long the second process is waited for in the end: its last figure is drawn in less, even twice."""

Attempt = tuple[Drawn | str, Mapping[str, str]]
"""A figure, or what is said in its place; and the traceback, by what could not be made."""


class Assistant:
    """The second process. Whatever hinders it is left to the first one."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._questions = cast("IO[bytes]", process.stdin)
        self._answers = cast("IO[bytes]", process.stdout)

    def brief(self, briefing: bytes) -> None:
        """Tell it what there is to draw, and where to, which it hears once its libraries are loaded.

        Raises:
            OSError: If the process has ended.
        """
        self._questions.write(briefing)

    def draw(self, number: int) -> Attempt:
        """Have it draw one of the charts, and wait.

        Raises:
            Exception: If the process has ended.
        """
        pickle.dump(number, self._questions)
        self._questions.flush()
        # What it writes is what this program wrote, in a process that this one began.
        return cast("Attempt", pickle.load(self._answers))  # noqa: S301

    def dismiss(self) -> None:
        """End the process at once; whoever waits for it is told."""
        self._process.kill()


@contextmanager
def assistance(*, wanted: bool = True) -> Iterator[Assistant | None]:
    """Begin the second process; None where it is not wanted, or there is no CPU for it."""
    if not wanted or _count_cpus() < 2:
        yield None
        return
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, a program of our own
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        yield None
        return
    try:
        yield Assistant(process)
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what it was not told any more
                cast("IO[bytes]", stream).close()
        process.wait()


def draw_charts(charts: Sequence[Chart], folder: Path, assistant: Assistant | None) -> list[Attempt]:
    """Draw charts for the page, and write each as `.svg` and `.png`.

    Args:
        charts: What to draw.
        folder: Of the figures' files.
        assistant: Draws beside this process, from the last chart on.

    Returns:
        For each what became of it.

    Raises:
        OSError: If a file cannot be written.
    """
    left, attempts = deque(range(len(charts))), dict[int, Attempt]()
    with _drawing_beside(assistant, charts, folder, left, attempts):
        for number in _take(left.popleft):
            attempts[number] = draw_chart(charts[number], folder)
    return [attempts.get(number) or draw_chart(chart, folder) for number, chart in enumerate(charts)]


@contextmanager
def _drawing_beside(
    assistant: Assistant | None,
    charts: Sequence[Chart],
    folder: Path,
    left: deque[int],
    attempts: dict[int, Attempt],
) -> Iterator[None]:
    """Have the other process draw meanwhile, until nothing is left or it ends: its last is then missing."""
    briefing = None
    if assistant is not None:
        # Before this process draws: what it computes meanwhile would change while it is written. Not all that
        # a chart draws can be handed to another process, nor need it be.
        with suppress(Exception):
            briefing = pickle.dumps((charts, folder))
    if assistant is None or briefing is None:
        yield
        return

    def draw() -> None:
        with suppress(Exception):
            assistant.brief(briefing)
            for number in _take(left.pop):
                attempts[number] = assistant.draw(number)

    thread = Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
        thread.join(PATIENCE_S)
    finally:
        if thread.is_alive():
            assistant.dismiss()
            thread.join()


def _take(take: Callable[[], int]) -> Iterator[int]:
    """Yield what there is to take, which another thread takes from, too."""
    with suppress(IndexError):
        while True:
            yield take()


def draw_chart(chart: Chart, folder: Path) -> Attempt:
    """Draw one chart, and write its files.

    Raises:
        OSError: If a file cannot be written.
    """
    faults = Faults()
    render: Callable[[], tuple[Figure, Drawn] | str] = partial(_render, chart)
    drawn = faults.attempt(f"the figure {chart.name!r}", render, lambda said: said)
    if isinstance(drawn, str):
        return drawn, faults.traces
    figure, drawings = drawn
    save_figure(figure, drawings.wide, folder, chart.name)
    return drawings, faults.traces


def _render(chart: Chart) -> tuple[Figure, Drawn]:
    """Draw a figure, and once more for a narrow page what is wider than that."""
    with styled():
        figure = chart.draw()
    wide = render_svg(figure)
    if not chart.wide:
        return figure, Drawn(wide=wide)
    with narrowed(), styled():
        return figure, Drawn(wide=wide, narrow=render_svg(chart.draw(), tips=False))


def _count_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def assist(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Draw what the first process asks for, until it asks no more.

    Args:
        questions: Charts and the folder of their files; then numbers of charts.
        answers: Takes what became of each.

    Raises:
        EOFError: When the first process is done, or has ended.
        OSError: If a file cannot be written, which the first process will find as well.
    """
    charts, folder = pickle.load(questions)  # noqa: S301 - from the process that began this one
    while True:
        pickle.dump(draw_chart(charts[pickle.load(questions)], folder), answers)  # noqa: S301
        answers.flush()


if __name__ == "__main__":
    with no_collection(), os.fdopen(os.dup(1), "wb") as answers, suppress(EOFError):
        os.dup2(2, 1)  # what a library prints is no answer
        assist(sys.stdin.buffer, answers)
