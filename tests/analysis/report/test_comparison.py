from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from analysis import AnalysisError, Study, load, write_comparison, write_report
from analysis.report.comparison import build_comparison, is_comparison
from analysis.report.content import Chart, Grid, Note
from analysis.words.numbers import NONE


def test_a_comparison_needs_two_studies(small_study: Study) -> None:
    with pytest.raises(AnalysisError, match="two studies or more, not 1"):
        build_comparison([small_study])


def test_studies_on_other_texts_or_the_test_split_are_warned_of_first(
    small_study: Study, make_study: Callable[..., Study]
) -> None:
    other = make_study(name="other", n_validation=300, validated_on="test", max_epochs=4)
    texts = [finding.text for finding in build_comparison([small_study, other]).findings[:3]]
    assert texts[0].startswith("The studies were not judged on the same texts")
    assert texts[1].startswith("Validated on the test split: other")
    assert texts[2].endswith("4 and 6.")


def test_studies_on_other_texts_are_not_told_to_run_more(
    small_study: Study, make_study: Callable[..., Study]
) -> None:
    report = build_comparison([small_study, make_study(name="other", source="elsewhere.csv")])

    (grid,) = [b for s in report.sections for b in s.blocks if getattr(b, "name", "") == "verdicts-studies"
               and hasattr(b, "frame")]  # fmt: skip
    assert grid.shown["verdict"].tolist() == ["cannot be told apart from the texts"]
    assert grid.frame["more"].isna().all()
    (said,) = [finding.text for finding in report.findings if finding.kind == "studies"]
    assert "no study is shown to be better" in said


def test_a_study_is_never_better_than_itself(small_study: Study) -> None:
    texts = {finding.kind: finding.text for finding in build_comparison([small_study, small_study]).findings}
    assert texts["studies"].startswith("Over the settings that they share, no study is shown to be better")


def test_studies_without_a_common_setting_have_no_verdict(
    small_study: Study, make_study: Callable[..., Study]
) -> None:
    texts = {
        finding.kind: finding.text for finding in build_comparison([small_study, make_study(seed=7)]).findings
    }
    assert "completed no setting in common" in texts["studies"]


def test_a_comparison_is_a_page_like_a_report(small_study: Study, one_setting: Study, tmp_path: Path) -> None:
    page = write_comparison([small_study, one_setting], tmp_path)
    assert page.name == "index.html"
    assert (tmp_path / "tables" / "verdicts-studies.csv").is_file()
    assert (tmp_path / "figures" / "best-of-each.svg").is_file()


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_comparison_replaces_an_earlier_one(
    small_study: Study, one_setting: Study, tmp_path: Path, form: Literal["html", "md"]
) -> None:
    for _ in range(2):
        page = write_comparison([small_study, one_setting], tmp_path, format=form, figures=False)
    assert is_comparison(page.read_text())


@pytest.mark.parametrize("name", ["index.html", "report.md"])
def test_a_comparison_spares_a_page_of_somebody_else(small_study: Study, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<h1>Mine</h1>")
    with pytest.raises(AnalysisError, match=f"{name} is something else; name another folder"):
        write_comparison([small_study, small_study], tmp_path, figures=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_comparison_spares_the_report_of_a_study(small_study: Study, tmp_path: Path) -> None:
    page = write_report(small_study, tmp_path, figures=False)
    with pytest.raises(AnalysisError, match="is something else"):
        write_comparison([small_study, small_study], tmp_path, figures=False)
    assert not is_comparison(page.read_text())


def test_tables_that_no_report_left_stay(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "mine.csv").touch()
    write_comparison([small_study, small_study], tmp_path, figures=False)
    assert (tmp_path / "tables" / "mine.csv").is_file()


def test_studies_that_reach_the_same_share_the_highest_accuracy(small_study: Study) -> None:
    report = build_comparison([small_study, small_study])

    (best,) = [finding.text for finding in report.findings if finding.kind == "best"]
    charts = [block for section in report.sections for block in section.blocks if isinstance(block, Chart)]

    assert best.startswith("The best settings of 2 studies are equally accurate, ")
    assert "synthetic (2) share the highest accuracy at the best epoch" in charts[1].reading


def test_a_study_that_is_judged_by_another_metric_is_named(
    small_study: Study, make_study: Callable[..., Study]
) -> None:
    texts = [f.text for f in build_comparison([small_study, make_study(objective="val_loss")]).findings]

    assert any(
        "by another metric than accuracy in synthetic (2) (loss); all figures" in text for text in texts
    )


def test_all_that_studies_differ_in_is_said_in_words(small_study: Study) -> None:
    def ask(name: str, weights: object, seed: int, n_cells: int) -> Study:
        spec = {
            "data": {"split_seed": 0, "limit_train": None, "tokens": None},
            "training": {"class_weight": weights, "patience": None, "gradients": n_cells > 1},
            "seed": seed,
        }
        space = {"parameters": {"cell": ["gru", "lstm"][:n_cells]}}
        facts = small_study.facts.model_copy(update={"name": name, "spec": spec, "space": space})
        return replace(small_study, facts=facts)

    report = build_comparison([ask("even", "none", 0, 2), ask("heavy", {"spam": 3.0}, 1, 1)])

    (said,) = [finding.text for finding in report.findings if finding.kind == "differences"]
    assert "class weights (none in even; spam 3 in heavy)" in said
    assert "study seed (0 in even; 1 in heavy)" in said
    (table,) = [
        b.shown for s in report.sections for b in s.blocks if isinstance(b, Grid) and b.name == "differences"
    ]
    assert table.set_index("what").loc["cell"].tolist() == ["GRU and LSTM", "GRU"]
    assert set(table["what"]) == {"class weights", "study seed", "cell"}
    notes = [b.text for s in report.sections for b in s.blocks if isinstance(b, Note)]
    assert any("the studies differ in class weights and study seed" in note for note in notes)


def test_one_name_for_two_files_is_no_like_for_like(small_study: Study) -> None:
    def of(name: str, fingerprint: str) -> Study:
        facts = small_study.facts.model_copy(update={"name": name})
        return replace(small_study, facts=facts, manifest={"data": {"fingerprint": fingerprint}})

    texts = [finding.text for finding in build_comparison([of("a", "12"), of("b", "34")]).findings]

    assert texts[0].startswith("The studies were not judged on the same texts")
    assert "content of the texts" in texts[1]


def test_studies_without_accuracy_are_named_with_what_they_have(
    write_database: Callable[..., Path], small_study: Study
) -> None:
    path = write_database(name="losses", objective="val_loss", fail_fraction=0, prune_fraction=0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE epochs SET val_accuracy=NULL, train_accuracy=NULL")
    losses = load(path)

    one, both = build_comparison([small_study, losses]), build_comparison([losses, losses])

    for report in (one, both):
        said = [report.title, *(finding.text for finding in report.findings)]
        said += [block.text for part in report.sections for block in part.blocks if isinstance(block, Note)]
        said += [fact.value for fact in report.facts]
        assert not [text for text in said if NONE in text or "No run completed" in text]
        assert not [text for text in said if "runs that did not complete" in text and report is both]
    (told,) = [finding.text for finding in one.findings if finding.kind == "no-accuracy"]
    assert told.startswith(
        "Studies are compared by accuracy, which was not recorded in losses (best validation "
    )
    (verdict,) = [finding.text for finding in both.findings if finding.kind == "studies"]
    assert verdict.startswith("No setting has an accuracy in two of the studies")
