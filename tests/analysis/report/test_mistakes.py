"""The chapter on what the best setting gets wrong, and the sentence that comes first."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import Study, load, summarize, write_report
from analysis.plots.figures import accuracy_by_text, confusion
from analysis.records.schema import TEXTS_SCHEMA
from analysis.records.texts import TextView
from analysis.report.build import build_report
from analysis.report.chapters.mistakes import _read_cut, mistakes_chapter
from analysis.report.content import Chart, Grid, Note
from analysis.report.svg import inline_svg, render_svg
from analysis.statistics.evidence import Evidence

HOSTILE = "<script>alert(1)</script>"


def answer(path: Path, truth: Sequence[int], said: Sequence[int], n_classes: int) -> None:
    """Let every run say the same of the validation texts, and have reached just that."""
    table = np.full((len(said), n_classes), 0.1 / n_classes)
    table[np.arange(len(said)), said] += 0.9
    probabilities = (table[:, 1] if n_classes == 2 else table).astype("<f2").tobytes()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE predictions SET probabilities = ?", (probabilities,))
        db.execute("UPDATE labels SET labels = ?", (np.array(truth, dtype="<u2").tobytes(),))
        db.execute("UPDATE epochs SET val_accuracy = ?", (float(np.mean(np.equal(truth, said))),))


def keep_texts(path: Path, texts: dict[int, tuple[str, str, str]], n: int) -> None:
    """Record lengths for the best setting, and some texts."""
    row = Evidence(load(path)).examined.iloc[0]
    counts = [np.full(n, value, dtype="<u4").tobytes() for value in (12, 10, 3)]
    with closing(sqlite3.connect(path)) as db, db:
        for statement in TEXTS_SCHEMA:
            db.execute(statement)
        sizes = (int(row["vocab_size"]), int(row["sequence_length"]))
        db.execute("INSERT INTO views VALUES ('validation', ?, ?, ?, ?, ?)", (*sizes, *counts))
        db.executemany("INSERT INTO excerpts VALUES (?, ?, ?, ?)", [(n, *text) for n, text in texts.items()])


@pytest.fixture
def blind(write_database: Callable[..., Path]) -> Path:
    """Three classes of which the third is never predicted: 60 of 100 texts are right."""
    path = write_database(n_trials=4, n_classes=3, n_validation=100, n_predicted=4, prune_fraction=0)
    truth = [0] * 50 + [1] * 30 + [2] * 20
    answer(path, truth, [0] * 40 + [1] * 20 + [0] * 20 + [1] * 20, 3)
    return path


def grid(study: Study, name: str) -> Grid:
    blocks = mistakes_chapter(Evidence(study)).blocks
    return next(block for block in blocks if isinstance(block, Grid) and block.name == name)


def test_the_first_sentence_names_classes_that_are_never_predicted(blind: Path) -> None:
    first = summarize(load(blind))[0]

    assert first.kind == "blindness"
    assert "never predicts 1 of 3 classes: class 2 (20.0% of the texts)" in first.text
    # F1: 80 of 110 texts, 2 * 10 of 70, and 0.
    macro = (2 * 40 / (50 + 60) + 2 * 10 / (30 + 40)) / 3
    assert f"accuracy of 50.0% hides that; its macro-F1 is {macro:.2f}" in first.text


def test_the_first_sentence_says_when_the_majority_class_would_do(blind: Path) -> None:
    first, *others = summarize(load(blind))

    reached = re.search(r"class 0, would reach 50.0%: the best setting's (50.0% ± [\d.]+) ", first.text)
    assert reached is not None
    # One margin on a page: that of the sentence on the best setting.
    assert reached[1] in next(finding.text for finding in others if finding.kind == "best")


def test_a_model_that_predicts_all_classes_and_beats_the_majority_is_not_accused(small_study: Study) -> None:
    assert all(finding.kind != "blindness" for finding in summarize(small_study))


def test_classes_that_only_some_seeds_predict_are_told_apart(blind: Path) -> None:
    said = np.full((100, 3), 0.1)
    said[:, 2] = 0.8
    with closing(sqlite3.connect(blind)) as db, db:
        changed = said.astype("<f2").tobytes()
        db.execute("UPDATE predictions SET probabilities = ? WHERE replicate = 2", (changed,))

    text = summarize(load(blind))[0].text

    assert ", under 1 of 2 seeds, never predicts 3 of 3 classes: class 0, class 1 and class 2" in text


def test_confirmed_seeds_speak_where_there_are_any(blind: Path) -> None:
    with closing(sqlite3.connect(blind)) as db, db:
        for table in ("attempts", "epochs", "predictions"):
            db.execute(f"UPDATE {table} SET phase = 'confirm' WHERE trial = 2 AND replicate = 2")  # noqa: S608

    examined = Evidence(load(blind)).examined

    assert examined[["trial", "phase", "replicate"]].to_numpy().tolist() == [[2, "confirm", 2]]


def test_without_predictions_the_chapter_is_one_sentence_and_the_majority_is_still_named(blind: Path) -> None:
    with closing(sqlite3.connect(blind)) as db, db:
        db.execute("DELETE FROM predictions")
    study = load(blind)

    (block,) = mistakes_chapter(Evidence(study)).blocks

    assert isinstance(block, Note)
    assert summarize(study)[0].text.startswith("The majority class alone")
    assert "mistakes" not in {section.anchor for section in build_report(study).sections}


def test_older_records_show_rows_without_texts(blind: Path) -> None:
    frame = grid(load(blind), "confident-mistakes")

    assert set(frame.shown["text"]) == {f"row {row} of the split" for row in frame.frame["row"].head(20)}
    assert len(frame.frame) == 50


def test_texts_from_data_are_shown_as_text_and_run_nowhere(blind: Path, tmp_path: Path) -> None:
    rows = Evidence(load(blind)).shown_rows
    keep_texts(blind, {row: ("=1+1", f"{HOSTILE} seen {row}", "@cut") for row in rows}, 100)

    page = write_report(load(blind), tmp_path / "report", figures=False)

    text = page.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert f"&lt;script&gt;alert(1)&lt;/script&gt; seen {rows[0]}" in text
    assert '<span class="unseen">[=1+1]</span>' in text
    table = pd.read_csv(page.parent / "tables" / "confident-mistakes.csv")
    assert set(table["before"].dropna()) == {"'=1+1"}
    assert set(table["after"].dropna()) == {"'@cut"}
    assert table[["n_tokens", "n_seen", "n_unknown"]].drop_duplicates().to_numpy().tolist() == [[12, 10, 3]]


def test_a_report_in_markdown_brackets_what_was_not_seen(blind: Path, tmp_path: Path) -> None:
    row = Evidence(load(blind)).shown_rows[0]
    keep_texts(blind, {row: ("early", "seen", "")}, 100)

    page = write_report(load(blind), tmp_path / "report", format="md", figures=False)

    assert "\\[early\\] seen" in page.read_text(encoding="utf-8")


def test_the_tables_say_what_the_figures_show(blind: Path, tmp_path: Path) -> None:
    keep_texts(blind, {}, 100)

    folder = write_report(load(blind), tmp_path / "report", figures=False).parent / "tables"

    matrix = pd.read_csv(folder / "confusion.csv").pivot(index="true", columns="predicted", values="share")
    assert matrix.to_numpy().tolist() == [[0.8, 0.2, 0], [2 / 3, 1 / 3, 0], [0, 1, 0]]
    pairs = pd.read_csv(folder / "confused-pairs.csv")
    assert pairs[["true", "predicted", "n"]].to_numpy().tolist() == [
        ["class 2", "class 1", 20],
        ["class 1", "class 0", 20],
        ["class 0", "class 1", 10],
    ]
    by_text = pd.read_csv(folder / "accuracy-by-text.csv")
    assert by_text[["by", "from", "n", "accuracy"]].to_numpy().tolist() == [
        ["tokens", 12, 100, 0.5],
        ["unknown", 0.3, 100, 0.5],
    ]


@pytest.mark.parametrize("n_classes", [2, 10, 50, 60])
def test_labels_of_the_matrix_stand_upright_and_touch_no_neighbour(
    make_study: Callable[..., Study], n_classes: int
) -> None:
    study = make_study(n_trials=1, n_classes=n_classes, n_validation=600, prune_fraction=0, fail_fraction=0)
    names = tuple(f"a rather long name {number}" for number in range(n_classes))
    study = replace(study, facts=study.facts.model_copy(update={"classes": names}))

    figure = confusion(study)

    figure.draw_without_rendering()
    axes = figure.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert len(labels) == min(n_classes, 50)
        assert {label.get_rotation() for label in labels} == {0}
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(next_) for one, next_ in pairwise(boxes))
        assert all(
            figure.bbox.contains(box.x0, box.y0) and figure.bbox.contains(box.x1, box.y1) for box in boxes
        )


def test_a_class_that_is_never_predicted_keeps_its_column_on_the_page(blind: Path) -> None:
    figure = confusion(load(blind))

    svg = inline_svg(render_svg(figure), "confusion", "")

    assert svg.count("fill: #f5f3f8") == 1


@pytest.mark.parametrize("draw", [confusion, accuracy_by_text])
def test_without_predictions_a_figure_says_so(
    make_study: Callable[..., Study], draw: Callable[[Study], Figure]
) -> None:
    figure = draw(make_study(n_predicted=0))

    assert (
        "No predictions" in figure.axes[0].texts[0].get_text()
        or "no lengths" in figure.axes[0].texts[0].get_text()
    )


def test_of_many_classes_the_reading_says_that_some_are_not_drawn(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=1, n_classes=60, n_validation=600, prune_fraction=0, fail_fraction=0)

    chart = mistakes_chapter(Evidence(study)).blocks[0]

    assert isinstance(chart, Chart)
    assert "Of 60 classes the 50 with most mistakes are drawn" in chart.reading


@pytest.mark.parametrize(
    ("n_cut", "expected"),
    [
        (0, "No text is cut: the model sees all of their tokens."),
        (1, "1 of 10,000 texts are cut: the model does not see all of their tokens."),
        (2570, "25.7% of the texts are cut: the model does not see all of their tokens."),
    ],
)
def test_no_share_of_nothing_is_said_to_be_cut(n_cut: int, expected: str) -> None:
    n_tokens = np.full(10_000, 10)
    n_seen = np.where(np.arange(10_000) < n_cut, 8, 10)

    assert _read_cut(TextView(n_tokens=n_tokens, n_seen=n_seen, n_unknown=n_tokens, excerpts={})) == expected


def test_macro_f1_of_several_runs_is_the_mean_of_theirs(blind: Path) -> None:
    said = np.full((100, 3), 0.1)
    said[:, 2] = 0.8
    with closing(sqlite3.connect(blind)) as db, db:
        changed = said.astype("<f2").tobytes()
        db.execute("UPDATE predictions SET probabilities = ? WHERE replicate = 2", (changed,))
    study = load(blind)

    first, second = (2 * 40 / (50 + 60) + 2 * 10 / (30 + 40)) / 3, (2 * 20 / (20 + 100)) / 3

    assert f"its macro-F1 is {(first + second) / 2:.2f}" in summarize(study)[0].text
    reading = grid(study, "classes").reading
    assert reading.startswith(f"Macro-F1 {(first + second) / 2:.3f}: the mean over classes, run by run.")


def test_where_no_word_is_unknown_no_test_of_unknown_words_is_made(
    blind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_texts(blind, {}, 100)
    known = {"tokens": np.arange(100.0), "unknown": np.zeros(100)}
    monkeypatch.setattr(Evidence, "text_numbers", known)

    (chart,) = [
        b
        for b in mistakes_chapter(Evidence(load(blind))).blocks
        if getattr(b, "name", "") == "accuracy-by-text"
    ]

    assert "No text has an unknown word." in chart.reading
    assert "share of unknown words" not in chart.reading


def test_means_of_texts_in_one_column_have_equal_digits(blind: Path) -> None:
    for name, column in (("confused-pairs", "texts"), ("classes", "taken for it")):
        shown = grid(load(blind), name).shown[column]
        assert shown.str.contains(".", regex=False).nunique() == 1
