from __future__ import annotations

import io
import os
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from study.errors import EnvironmentFaultError
from study.forecast.time_left import Backlog
from study.machine.capacity import Capacity
from study.running.progress_line import PAUSE_S, NotebookLine, ProgressLine, TerminalLine, find_line
from study.trial import Assignment
from tests.study.pretend.small_study import make_spec, pretend_report

CAPACITY = Capacity(2, 0.0, 1)

SETTING = dict(next(iter(make_spec().design.plan(make_spec().space, 0) or [])))


class Lines:
    """Keeps what a line showed."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.kept: list[str] = []

    def update(self, text: str) -> None:
        self.shown.append(text)

    def keep(self, text: str) -> None:
        self.kept.append(text)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def assign(trial: int, cell: str = "lstm", **changes: Any) -> Assignment:
    return Assignment.first(0, trial, 1, SETTING | {"cell": cell}, **changes)


def follow(**changes: Any) -> tuple[ProgressLine, Lines, Clock]:
    lines, clock = Lines(), Clock()
    spec = make_spec(**changes)
    progress = ProgressLine(spec, lines, clock)
    progress.on_plan(
        Backlog(spec=spec, n_trials=6, n_seeds=2, n_ended=3, waiting=[], may_stop=False, n_slots=2), CAPACITY
    )
    return progress, lines, clock


def test_an_extensions_epochs_are_those_of_its_leg() -> None:
    lines, clock = Lines(), Clock()
    progress = ProgressLine(make_spec(training={"max_epochs": 2}), lines, clock)
    longer = make_spec(training={"max_epochs": 9})
    progress.on_plan(
        Backlog(spec=longer, n_trials=2, n_seeds=1, n_ended=0, waiting=[], may_stop=False, n_slots=2),
        CAPACITY,
    )
    progress.on_start(assign(0))
    for epoch in (1, 2, 3):
        clock.now_s += 60.0
        progress.on_report(assign(0), pretend_report(assign(0), epoch, 9, wall_s=clock.now_s), "running")

    assert "left" in lines.shown[-1]


def test_the_line_counts_runs_and_names_the_best() -> None:
    progress, lines, clock = follow()
    clock.now_s = 90.0
    progress.on_start(assign(0))
    clock.now_s = 91.0

    progress.on_report(assign(0), pretend_report(assign(0), 3, 3), "completed")

    assert lines.shown[-2].startswith("small: 3/12 runs; 1 running")
    assert lines.shown[-1].startswith("small: 4/12 runs; best val_accuracy 0.6044")
    assert lines.shown[-1].endswith(": LSTM (1 min 31 s)")


def test_the_line_says_how_much_time_is_left_once_there_is_a_pace_to_judge_by() -> None:
    progress, lines, clock = follow()
    progress.on_start(assign(0))
    for epoch in (1, 2):
        clock.now_s = 10.0 * epoch
        progress.on_report(assign(0), pretend_report(assign(0), epoch, 3, wall_s=clock.now_s), "running")

    assert "left" not in lines.shown[-2]
    assert re.search(r"; about [\d.]+ (s|min) left \(20 s\)", lines.shown[-1])


def test_a_loss_is_shown_as_it_is_and_the_least_is_best() -> None:
    progress, lines, clock = follow(objective="val_loss")
    for number, score in enumerate((-0.75, -0.5, -0.625)):
        clock.now_s += 1.0
        report = pretend_report(assign(number), 1, 3, score=score)
        progress.on_report(assign(number), report, "running")

    assert "best val_loss 0.5000" in lines.shown[-1]


def test_an_audit_comes_on_top_of_the_runs_that_were_planned() -> None:
    progress, lines, clock = follow()
    clock.now_s = 1.0
    audited = assign(0, phase="audit")

    progress.on_report(audited, pretend_report(audited, 3, 3), "completed")

    assert lines.shown[-1].startswith("small: 3/12 runs")


def test_many_reports_at_once_are_shown_once_and_the_end_in_any_case() -> None:
    progress, lines, clock = follow()
    clock.now_s = 10 * PAUSE_S
    before = len(lines.shown)

    for number in range(8):
        progress.on_report(assign(number), pretend_report(assign(number), 3, 3), "completed")
    progress.end("done")

    assert len(lines.shown) == before + 1
    assert lines.kept[-1].startswith("small: 11/12 runs; best")
    assert "; done (" in lines.kept[-1]


def test_a_warning_stays_and_the_line_goes_on_below_it() -> None:
    progress, lines, _ = follow()

    progress.on_warning("a node was lost")
    progress.on_lost(EnvironmentFaultError("Ray is gone"))

    assert lines.kept == ["small: a node was lost", "small: Ray is gone"]
    assert lines.shown[-1].startswith("small: 3/12 runs")


def test_stages_are_shown_before_anything_is_planned() -> None:
    lines = Lines()

    ProgressLine(make_spec(), lines, Clock()).on_stage("starting Ray")

    assert lines.shown == ["small: starting Ray (0.0 s)"]


def test_a_terminals_line_is_written_over_and_never_longer_than_it_is_wide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((20, 24)))
    stream = io.StringIO()
    line = TerminalLine(stream)

    line.update("a" * 50)
    line.update("short")
    line.keep("b" * 50)

    first, second, third = stream.getvalue().split("\r\x1b[2K")[1:]
    assert first == "a" * 18 + "…"
    assert second == "short"
    assert third == "b" * 50 + "\n"


def test_a_notebook_updates_one_output_and_begins_another_only_below_what_stays() -> None:
    outputs: list[list[str]] = []

    def display(content: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw
        assert display_id
        said = [content["text/plain"]]
        outputs.append(said)
        return SimpleNamespace(update=lambda new, raw: said.append(new["text/plain"]))

    line = NotebookLine(display)
    line.update("1")
    line.update("2")
    line.keep("warning")
    line.update("3")

    assert outputs == [["1", "2", "warning"], ["3"]]


def test_nobody_looks_at_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)

    assert find_line(io.StringIO()) is None


def test_a_terminal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]

    assert isinstance(find_line(stream), TerminalLine)


def test_ipython_in_a_terminal_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(get_ipython=object)
    monkeypatch.setitem(sys.modules, "IPython", shell)

    assert find_line(io.StringIO()) is None
