from __future__ import annotations

import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import analysis
from analysis.plots import figures
from analysis.records.loading import Study
from analysis.report import drawing
from analysis.report.content import Chart
from analysis.report.drawing import Assistant, assistance, draw_charts
from analysis.report.svg import Drawn

NAMES = ("best_and_last", "importance", "cost_front")


def chart_of(name: str, study: Study) -> Chart:
    draw = partial(getattr(figures, name), study)
    return Chart(name=name, title=name, draw=draw, reading="", alt="", wide=False)


@pytest.fixture
def charts(small_study: Study) -> list[Chart]:
    return [chart_of(name, small_study) for name in NAMES]


def begin(monkeypatch: pytest.MonkeyPatch, program: str | None = None) -> None:
    """Have reports begin a second process, ours or another program in its place."""
    monkeypatch.setattr(drawing, "_count_cpus", lambda: 2)
    if program is not None:
        monkeypatch.setattr(drawing, "COMMAND", (sys.executable, "-c", program))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_the_second_process_draws_the_same_to_the_byte(
    charts: list[Chart], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    alone.mkdir()
    beside.mkdir()
    draw_charts(charts, alone, None)

    with assistance() as assistant:
        assert assistant is not None
        assistant.brief(pickle.dumps((charts, beside)))
        attempts = [assistant.draw(number) for number in range(len(charts))]

    assert all(isinstance(drawn, Drawn) and not traces for drawn, traces in attempts)
    assert files_of(beside) == files_of(alone)


@pytest.mark.slow
def test_a_report_by_two_processes_is_the_report_by_one(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis.write_report(small_study, tmp_path / "one")
    begin(monkeypatch)
    taken = []
    monkeypatch.setattr(
        Assistant,
        "draw",
        lambda self, number, draw=Assistant.draw: taken.append(number) or draw(self, number),
    )

    analysis.write_report(small_study, tmp_path / "two")

    assert taken
    assert files_of(tmp_path / "two" / "figures") == files_of(tmp_path / "one" / "figures")
    assert not (tmp_path / "two" / "faults.log").exists()


@pytest.mark.parametrize("program", ["", "import time; time.sleep(60)", "import sys; sys.stdin.read()"])
def test_a_second_process_that_ends_or_hangs_costs_no_figure(
    charts: list[Chart], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    begin(monkeypatch, program)
    monkeypatch.setattr(drawing, "PATIENCE_S", 0.1)

    with assistance() as assistant:
        attempts = draw_charts(charts, tmp_path, assistant)

    assert all(isinstance(drawn, Drawn) for drawn, _ in attempts)
    assert set(files_of(tmp_path)) == {f"{name}.{ending}" for name in NAMES for ending in ("svg", "png")}


def test_a_chart_that_no_other_process_can_take_is_drawn_here(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch, "import sys; sys.stdin.read()")

    def draw() -> Figure:
        return figures.best_and_last(small_study)

    chart = Chart(name="own", title="", draw=draw, reading="", alt="", wide=False)
    with assistance() as assistant:
        attempts = draw_charts([chart], tmp_path, assistant)

    assert isinstance(attempts[0][0], Drawn)


def test_the_second_process_ends_with_whoever_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, "import time; time.sleep(60)")

    with pytest.raises(KeyboardInterrupt), assistance() as assistant:
        assert assistant is not None
        process = assistant._process
        raise KeyboardInterrupt

    assert process.poll() is not None


def test_where_no_process_can_be_begun_there_is_a_report(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    with assistance() as assistant:
        assert assistant is None
    assert analysis.write_report(small_study, tmp_path, figures=False).is_file()


def test_a_report_without_figures_begins_no_process(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was begun")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    assert analysis.write_report(small_study, tmp_path, figures=False).is_file()
