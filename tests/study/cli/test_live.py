"""What a terminal shows of a study that runs."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from study.cli.console import ConsoleListener
from study.cli.live import LiveListener, cut_words, make_listener
from study.errors import EnvironmentFaultError
from study.forecast.time_left import Backlog
from study.machine.capacity import Capacity
from study.spec.schema import StudySpec
from study.trial import Assignment
from tests.study.pretend.small_study import make_spec, pretend_report

SPEC = make_spec(training={"max_epochs": 8})
CPUS = Capacity(cpus=2, gpus=0.0, nodes=1)


class Terminal:
    """A terminal of some size, a clock, and who writes there."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.now_s = 0.0
        self.output = io.StringIO()
        self.console = Console(
            file=self.output,
            width=width,
            height=height,
            force_terminal=True,
            color_system=None,
            highlight=False,
        )
        self.listener = LiveListener(self.console, SPEC, clock=lambda: self.now_s)

    def plan(self, n_ended: int = 0, spec: StudySpec = SPEC) -> None:
        backlog = Backlog(
            spec=spec, n_trials=9, n_seeds=1, n_ended=n_ended, waiting=[], may_stop=False, n_slots=2
        )
        self.listener.on_plan(backlog, CPUS)

    def start(self, trial: int, cell: str = "lstm") -> Assignment:
        params = {**next(iter(SPEC.design.plan(SPEC.space, 0) or [])), "cell": cell, "bidirectional": True}
        assignment = Assignment(trial=trial, replicate=1, attempt=1, seed=0, params=params)
        self.listener.on_start(assignment)
        return assignment

    def train(self, assignment: Assignment, n_epochs: int, state: str = "running") -> None:
        report = pretend_report(assignment, n_epochs, 8, wall_s=self.now_s)
        self.listener.on_report(assignment, report, state)

    def look(self) -> list[str]:
        """What is drawn now, above the line that the cursor is on."""
        with self.console.capture() as captured:
            self.console.print(self.listener.table())
        *lines, last = captured.get().splitlines()
        assert last == ""
        return lines


def test_a_running_run_is_shown_with_its_epoch_and_the_objective() -> None:
    terminal = Terminal()
    terminal.plan()
    first, _ = terminal.start(0), terminal.start(1, "gru")
    terminal.now_s = 20.0

    terminal.train(first, 2)
    terminal.now_s = 25.0

    assert terminal.look()[:2] == [
        "trial 0  epoch 3/8  0.6200  25 s  biLSTM",
        "trial 1  epoch 1/8          25 s  biGRU",
    ]


def test_sums_pace_time_left_and_the_best_stand_below() -> None:
    terminal = Terminal()
    terminal.plan()
    first, second = terminal.start(0), terminal.start(1, "gru")
    for epoch in range(1, 9):
        terminal.now_s += 5.0
        terminal.train(first, epoch, "completed" if epoch == 8 else "running")
        terminal.train(second, epoch, "completed" if epoch == 8 else "running")

    sums, best = terminal.look()

    assert re.fullmatch(r"2 of 9 runs done; one every 20 s; about [\d.]+ min left.*", sums)
    assert best == "best val_accuracy 0.6200: biLSTM"


def test_an_extension_is_shown_with_its_own_epochs() -> None:
    terminal = Terminal()
    terminal.plan(spec=make_spec(training={"max_epochs": 12}))
    first = terminal.start(0)
    for epoch in range(1, 10):
        terminal.now_s += 5.0
        terminal.train(first, epoch)

    assert terminal.look()[0] == "trial 0  epoch 10/12  0.1300  45 s  biLSTM"


def test_the_time_left_goes_down_while_nothing_is_heard() -> None:
    terminal = Terminal()
    terminal.plan()
    first = terminal.start(0)
    for epoch in (1, 2, 3):
        terminal.now_s += 30.0
        terminal.train(first, epoch)

    def minutes() -> float:
        (said,) = re.findall(r"about ([\d.]+) min left", " ".join(terminal.look()))
        return float(said)

    before = minutes()
    terminal.now_s += 120.0

    assert minutes() <= before - 1.0


def test_a_stage_says_for_how_long_it_lasts() -> None:
    terminal = Terminal()
    terminal.listener.on_stage("starting Ray")
    terminal.now_s = 12.3

    assert terminal.look() == ["starting Ray ... 12 s"]


def test_a_study_that_goes_on_says_how_much_was_done() -> None:
    terminal = Terminal()

    terminal.plan(n_ended=6)

    assert "continues: 6 of 9 done" in terminal.output.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 50, 40])
def test_no_word_is_broken(width: int) -> None:
    terminal = Terminal(width)
    terminal.plan()
    first = terminal.start(0)
    terminal.now_s = 70.0
    terminal.train(first, 1)
    terminal.train(replace(first, trial=1), 8, "completed")
    wide = Terminal(300)
    wide.plan()
    wide.start(0)
    wide.now_s = 70.0
    wide.train(first, 1)
    wide.train(replace(first, trial=1), 8, "completed")

    lines = [*terminal.output.getvalue().splitlines(), *terminal.look()]

    words = {word for line in (*wide.output.getvalue().splitlines(), *wide.look()) for word in line.split()}
    assert max(map(len, lines)) <= width
    assert {word for line in lines for word in line.split()} <= words | {"…"}


def test_of_more_runs_than_the_terminal_is_high_the_rest_is_counted() -> None:
    terminal = Terminal(height=10)
    terminal.plan()
    for trial in range(8):
        terminal.start(trial)

    assert terminal.look()[3] == "and 5 more runs"


def test_why_the_process_ends_is_said_without_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.listener:
        terminal.listener.on_lost(EnvironmentFaultError("Ray is gone"))

    assert capsys.readouterr().err == "study: Ray is gone\n"
    assert not terminal.listener._live.is_started


def test_a_pipe_gets_lines_though_colours_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    assert type(make_listener(Console(), SPEC)) is ConsoleListener


def test_words_that_do_not_fit_are_left_out_whole() -> None:
    assert cut_words("biLSTM 16 units, 1k words", 40) == "biLSTM 16 units, 1k words"
    assert cut_words("biLSTM 16 units, 1k words", 20) == "biLSTM 16 units …"
    assert cut_words("biLSTM 16 units, 1k words", 7) == ""
