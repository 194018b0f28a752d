from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from analysis import AnalysisError, Study, summarize, write_report
from analysis.report.build import build_report
from analysis.report.content import Chart
from analysis.statistics.evidence import gather


@pytest.fixture(scope="module", params=["one setting", pytest.param("all", marks=pytest.mark.slow)])
def study(request: pytest.FixtureRequest, small_study: Study, one_setting: Study) -> Study:
    """A study whose report holds few figures, and one whose report holds all."""
    return small_study if request.param == "all" else one_setting


@pytest.fixture(scope="module")
def written(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(study, tmp_path_factory.mktemp("report"))


def test_a_report_is_a_page_with_its_figures_and_tables_beside_it(written: Path) -> None:
    assert written.name == "index.html"
    tables = {path.stem for path in (written.parent / "tables").iterdir()}
    assert {"trials", "epochs", "ranking", "overfitting", "lines-to-beat"} <= tables
    drawn = sorted(path.stem for path in (written.parent / "figures").glob("*.svg"))
    assert drawn == sorted(path.stem for path in (written.parent / "figures").glob("*.png"))
    assert "curves-loss" in drawn


def test_every_link_leads_somewhere(written: Path) -> None:
    page = written.read_text(encoding="utf-8")
    anchors = set(re.findall(r' id="([^"]+)"', page))
    for target in re.findall(r'href="([^"]+)"', page):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif target != "data:,":
            assert (written.parent / target).is_file(), target


def test_no_two_elements_share_an_id(written: Path) -> None:
    ids = re.findall(r' id="([^"]+)"', written.read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_the_page_names_no_address_outside_itself(written: Path) -> None:
    page = written.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<]+", page))
    # Names of XML's vocabularies, which no browser fetches.
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "connect-src 'none'" in page
    assert "unsafe-eval" not in page


def test_every_figure_has_a_reading_and_a_text_for_who_cannot_see_it(written: Path) -> None:
    page = written.read_text(encoding="utf-8")
    figures = re.findall(r"<figure.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) >= 5
    for figure in figures:
        assert re.search(r'<svg role="img" aria-label="[^"]{20,}"', figure)
        assert re.search(r"<figcaption>\S.{20,}", figure)


def test_the_full_tables_are_not_rounded(written: Path, study: Study) -> None:
    trials = pd.read_csv(written.parent / "tables" / "trials.csv")
    assert trials["val_accuracy"].tolist() == pytest.approx(study.trials["val_accuracy"], nan_ok=True, abs=0)


def test_without_figures_the_readings_remain(small_study: Study, tmp_path: Path) -> None:
    page = write_report(small_study, tmp_path, figures=False).read_text(encoding="utf-8")
    assert "<figcaption>" in page
    assert "<svg" not in page
    assert not list((tmp_path / "figures").iterdir())


def test_a_report_written_twice_leaves_no_temporary_files(small_study: Study, tmp_path: Path) -> None:
    write_report(small_study, tmp_path, figures=False)
    write_report(small_study, tmp_path, figures=False)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_tables_of_an_earlier_report_are_taken_away(
    small_study: Study, one_setting: Study, tmp_path: Path
) -> None:
    write_report(small_study, tmp_path, figures=False)
    assert (tmp_path / "tables" / "effects.csv").is_file()
    write_report(one_setting, tmp_path, figures=False)
    assert not (tmp_path / "tables" / "effects.csv").exists()


def test_an_unknown_format_is_refused(small_study: Study, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="html or md, not 'pdf'"):
        write_report(small_study, tmp_path, format="pdf")  # type: ignore[arg-type]


def test_validation_on_the_test_split_is_said_first(make_study: Callable[..., Study]) -> None:
    first = summarize(make_study(validated_on="test"))[0]
    assert first.text.startswith("Validation was done on the test split")
    assert first.tone == "warning"


def test_runs_cut_short_are_compared_at_equal_epochs_and_nowhere_else(
    make_study: Callable[..., Study],
) -> None:
    evidence = gather(make_study(n_trials=60, n_seeds=1, prune_fraction=0.7, fail_fraction=0))
    cut = evidence.runs[evidence.runs["state"] == "pruned"]
    assert evidence.equal_epochs == cut["epochs_run"].min()
    assert evidence.early_level_verdicts["n_left_out"].max() == 0
    assert evidence.level_verdicts["n_left_out"].max() > 0


def test_the_closing_lines_of_a_command_line_are_always_there(make_study: Callable[..., Study]) -> None:
    kinds = [finding.kind for finding in summarize(make_study(fail_fraction=1.0))]
    assert {"best", "onset"} <= set(kinds)


def test_importing_analysis_loads_nothing_heavy() -> None:
    code = "import analysis, sys; print([m for m in ('pandas', 'matplotlib', 'scipy') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_audited_study_is_judged_once_for_sentences_and_figures(make_study: Callable[..., Study]) -> None:
    study = make_study()
    trials = study.trials.copy()
    trials.loc[trials["replicate"] == 2, "phase"] = "audit"
    audited = replace(study, trials=trials)

    report = build_report(audited)

    charts = [block for section in report.sections for block in section.blocks if isinstance(block, Chart)]
    drawn_from = [chart.draw.args[0] for chart in charts if isinstance(chart.draw, partial)]
    assert len(drawn_from) == len(charts) > 5
    assert all(evidence is gather(audited) for evidence in drawn_from)


def test_the_margin_that_is_asked_for_stands_above_the_verdicts(small_study: Study, tmp_path: Path) -> None:
    page = write_report(small_study, tmp_path, figures=False, margin=40).read_text(encoding="utf-8")
    assert "the difference is under 40.0 points" in page


def test_the_margin_of_a_spec_is_that_of_its_report(small_study: Study) -> None:
    facts = small_study.facts.model_copy(update={"spec": {**small_study.spec, "margin": 2}})
    assert gather(replace(small_study, facts=facts)).rule.margin == 0.02


@pytest.mark.parametrize("margin", [0, -1, 100, float("nan")])
def test_a_margin_is_a_number_of_points(small_study: Study, tmp_path: Path, margin: float) -> None:
    with pytest.raises(AnalysisError, match="above 0 and below 100 points"):
        write_report(small_study, tmp_path, figures=False, margin=margin)
