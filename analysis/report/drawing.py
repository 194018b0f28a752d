"""The figures of a report, drawn by two processes where there are CPUs for them.

Drawing is most of what the report of a small study takes, and a half of that of a large one.
`python -m analysis.report.drawing` is the second process.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Condition, Thread
from typing import IO

from matplotlib.figure import Figure

from analysis.garbage import no_collection
from analysis.plots.style import narrowed, styled
from analysis.report.assistant import Assistant
from analysis.report.content import Chart
from analysis.report.faults import Faults
from analysis.report.svg import Drawn, render_svg, save_figure

PATIENCE_S = 2.0
"""How long the second process is waited for in the end: its last figure is drawn in less, even twice."""

Attempt = tuple[Drawn | str, Mapping[str, str]]
"""A figure, or what is said in its place; and the traceback, by what could not be made."""


@dataclass(frozen=True)
class _Task:
    """One of the charts of a bundle, which is pickled."""

    name: str
    bundle: bytes
    number: int


class FigureDrawer:
    """Draws charts for the page, and writes each as `.svg` and `.png`.

    The assistant begins with the first as soon as they are offered; this process takes from the last on, when
    all are known.

    Args:
        folder: Of the figures' files.
        assistant: Draws beside this process, if it was begun.
    """

    def __init__(self, folder: Path, assistant: Assistant | None = None) -> None:
        self._folder, self._assistant = folder, assistant
        self._left, self._offered = deque[_Task](), set[str]()
        self._attempts: dict[str, Attempt] = {}
        self._news, self._knows_all = Condition(), False
        self._thread: Thread | None = None

    def offer(self, charts: Sequence[Chart]) -> None:
        """Let the assistant draw charts meanwhile.

        They are pickled here and now: what this process computes later would change while it is written.
        """
        new = [chart for chart in charts if chart.name not in self._offered]
        if not new or self._assistant is None or not self._assistant.is_there:
            return
        # Not all that a chart draws can be handed to another process, nor need it be.
        with suppress(Exception):
            bundle = pickle.dumps((new, self._folder))
            self._offered.update(chart.name for chart in new)
            with self._news:
                self._left.extend(_Task(chart.name, bundle, number) for number, chart in enumerate(new))
                self._news.notify()
            if self._thread is None:
                self._thread = Thread(target=self._attend, args=(self._assistant,), daemon=True)
                self._thread.start()

    def draw(self, charts: Sequence[Chart]) -> list[Attempt]:
        """Draw charts, offered before or not; return for each what became of it.

        Raises:
            OSError: If a file cannot be written.
        """
        self.offer(charts)
        by_name = {chart.name: chart for chart in charts}
        try:
            while (task := self._take_last()) is not None:
                self._attempts[task.name] = draw_chart(by_name[task.name], self._folder)
            self._await_assistant(PATIENCE_S)
        finally:
            self._await_assistant(0.0)
        return [self._attempts.get(chart.name) or draw_chart(chart, self._folder) for chart in charts]

    def _take_last(self) -> _Task | None:
        with self._news:
            return self._left.pop() if self._left else None

    def _await_assistant(self, patience_s: float) -> None:
        """Wait until the assistant is done; without patience, end it."""
        with self._news:
            self._knows_all = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(patience_s)
            if not patience_s and self._thread.is_alive() and self._assistant is not None:
                self._assistant.dismiss()
                self._thread.join()
                for half_written in self._folder.glob(".*.tmp"):
                    half_written.unlink(missing_ok=True)

    def _attend(self, assistant: Assistant) -> None:
        """Have the assistant draw until nothing is left, or it ends: its last is then missing."""
        known: bytes | None = None
        with suppress(Exception):
            while True:
                with self._news:
                    self._news.wait_for(lambda: bool(self._left) or self._knows_all)
                    if not self._left:
                        return
                    task = self._left.popleft()
                if task.bundle is not known:
                    assistant.brief(task.bundle)
                    known = task.bundle
                self._attempts[task.name] = assistant.draw(task.number)


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
    folder.mkdir(parents=True, exist_ok=True)
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


def assist(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Draw what the first process asks for, until it asks no more.

    Args:
        questions: Charts with the folder of their files, pickled; and numbers of those that came last.
        answers: Takes what became of each.

    Raises:
        EOFError: When the first process is done, or has ended.
        OSError: If a file cannot be written, which the first process will find as well.
    """
    charts: Sequence[Chart] = ()
    folder = Path()
    while True:
        question: bytes | int = pickle.load(questions)  # noqa: S301 - from the process that began this one
        if isinstance(question, bytes):
            charts, folder = pickle.loads(question)  # noqa: S301 - likewise
        else:
            pickle.dump(draw_chart(charts[question], folder), answers)
            answers.flush()


if __name__ == "__main__":
    with no_collection(), os.fdopen(os.dup(1), "wb") as answers, suppress(EOFError):
        os.dup2(2, 1)  # what a library prints is no answer
        assist(sys.stdin.buffer, answers)
