from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

import analysis
from analysis.records.loading import Study
from analysis.report import build
from analysis.report.faults import FAULTS_FILE, read_faults
from analysis.statistics.evidence import Evidence


def fail(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("no <b>texts</b>")


@pytest.mark.parametrize("anchor", list(build._CHAPTERS))
def test_a_chapter_that_fails_is_a_line_and_the_others_are_there(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchor: str
) -> None:
    monkeypatch.setitem(build._CHAPTERS, anchor, fail)

    page = analysis.write_report(small_study, tmp_path, figures=False).read_text()

    assert f"Could not be made: the chapter &#39;{anchor}&#39; (ZeroDivisionError" in page
    assert read_faults(tmp_path) == (f"the chapter {anchor!r}",)
    assert "ZeroDivisionError: no <b>texts</b>" in (tmp_path / FAULTS_FILE).read_text()


@pytest.mark.parametrize("part", ["summarize", "_facts", "_overfitting_tables", "_ranking_tables"])
def test_findings_figures_and_tables_that_fail_cost_no_report(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(build, part, fail)

    assert analysis.write_report(small_study, tmp_path, figures=False).is_file()
    assert len(read_faults(tmp_path)) == 1


@pytest.mark.parametrize("name", ["ranking", "overfitting", "lines_to_beat", "effects"])
def test_whatever_statistic_fails_there_is_a_report(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Evidence, name, property(fail))

    assert analysis.write_report(small_study, tmp_path, figures=False).is_file()
    assert read_faults(tmp_path)


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_is_a_line_in_its_place(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.plots.figures.lines_to_beat", fail)

    page = analysis.write_report(small_study, tmp_path).read_text()

    assert "Could not be made: the figure &#39;lines-to-beat&#39;" in page
    assert not (tmp_path / "figures" / "lines-to-beat.svg").exists()
    assert list((tmp_path / "figures").glob("*.svg"))


def test_the_next_report_takes_the_log_of_faults_away(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(build._CHAPTERS, "ranking", fail)
        analysis.write_report(small_study, tmp_path, figures=False)

    analysis.write_report(small_study, tmp_path, figures=False)

    assert not (tmp_path / FAULTS_FILE).exists()


@pytest.mark.slow
def test_a_style_of_the_users_own_stays_out_of_the_figures(small_study: Study, tmp_path: Path) -> None:
    plain, own = tmp_path / "plain", tmp_path / "own"
    analysis.write_report(small_study, plain)
    with mpl.rc_context(
        {"text.usetex": True, "axes.titlesize": 40, "font.family": "serif", "lines.marker": "x"}
    ):
        analysis.write_report(small_study, own)

    assert not read_faults(own)
    for path in (plain / "figures").glob("*.svg"):
        assert (own / "figures" / path.name).read_text() == path.read_text()
