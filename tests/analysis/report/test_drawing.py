from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import analysis
from analysis.plots import figures
from analysis.records.loading import Study
from analysis.report import assistant as assistants
from analysis.report import drawing
from analysis.report.assistant import Assistant
from analysis.report.content import Chart
from analysis.report.drawing import FigureDrawer
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
    monkeypatch.setattr(assistants, "_count_cpus", lambda: 2)
    if program is not None:
        monkeypatch.setattr(assistants, "COMMAND", (sys.executable, "-c", program))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    """Not begun yet; ended with the test."""
    with Assistant() as assistant:
        yield assistant


@pytest.mark.slow
def test_the_second_process_draws_the_same_to_the_byte(
    charts: list[Chart], assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)
    FigureDrawer(tmp_path / "alone").draw(charts)
    assistant.begin()
    drawer = FigureDrawer(tmp_path / "beside", assistant)

    drawer.offer(charts[:1])  # two chapters
    drawer.offer(charts[1:])
    deadline = time.monotonic() + 60
    while len(drawer._attempts) < len(charts) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(drawer._attempts) == len(charts), "it drew too little"
    attempts = drawer.draw(charts)

    assert all(isinstance(drawn, Drawn) and not traces for drawn, traces in attempts)
    assert files_of(tmp_path / "beside") == files_of(tmp_path / "alone")


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


@pytest.mark.parametrize("is_offered", [False, True])
@pytest.mark.parametrize("program", ["", "import time; time.sleep(60)", "import sys; sys.stdin.read()"])
def test_a_second_process_that_ends_or_hangs_costs_no_figure(
    charts: list[Chart],
    assistant: Assistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    is_offered: bool,
) -> None:
    begin(monkeypatch, program)
    monkeypatch.setattr(drawing, "PATIENCE_S", 0.1)
    assistant.begin()
    drawer = FigureDrawer(tmp_path, assistant)

    if is_offered:
        drawer.offer(charts[:1])
    attempts = drawer.draw(charts)

    assert all(isinstance(drawn, Drawn) for drawn, _ in attempts)
    assert set(files_of(tmp_path)) == {f"{name}.{ending}" for name in NAMES for ending in ("svg", "png")}


def test_what_a_second_process_was_writing_when_it_was_ended_is_removed(
    charts: list[Chart], assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(drawing, "PATIENCE_S", 0.1)
    assistant.begin()
    (tmp_path / ".confusion.png.123.tmp").touch()

    FigureDrawer(tmp_path, assistant).draw(charts[:1])

    assert not list(tmp_path.glob(".*"))


def test_a_chart_that_no_other_process_can_take_is_drawn_here(
    small_study: Study, assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch, "import sys; sys.stdin.read()")
    assistant.begin()

    def draw() -> Figure:
        return figures.best_and_last(small_study)

    chart = Chart(name="own", title="", draw=draw, reading="", alt="", wide=False)
    attempts = FigureDrawer(tmp_path, assistant).draw([chart])

    assert isinstance(attempts[0][0], Drawn)


def test_the_second_process_ends_with_whoever_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, "import time; time.sleep(60)")

    with pytest.raises(KeyboardInterrupt), Assistant() as assistant:
        assistant.begin()
        process = assistant._there
        raise KeyboardInterrupt

    assert process.poll() is not None


def test_where_no_process_can_be_begun_there_is_a_report(
    charts: list[Chart], assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    assistant.begin()

    assert not assistant.is_there
    assert all(isinstance(drawn, Drawn) for drawn, _ in FigureDrawer(tmp_path, assistant).draw(charts))


def test_a_disk_that_is_full_is_said_though_the_second_process_found_it_first(
    charts: list[Chart], assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)
    blocked = tmp_path / "figures"
    blocked.write_text("a file where the folder should be")
    assistant.begin()

    with pytest.raises(FileExistsError):
        FigureDrawer(blocked, assistant).draw(charts)


def test_a_report_without_figures_begins_no_process(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was begun")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    assert analysis.write_report(small_study, tmp_path, figures=False).is_file()
