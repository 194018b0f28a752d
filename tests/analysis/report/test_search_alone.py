"""Runs of the confirmation change nothing of what is said of the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from analysis import Study
from analysis.plots import figures
from analysis.report.chapters.amounts import amounts_chapter
from analysis.report.chapters.beat import read_baselines
from analysis.report.chapters.factor import factor_chapter
from analysis.report.chapters.gradient import gradient_chapter
from analysis.report.chapters.overfit import overfitting_chapter
from analysis.report.chapters.ranking import ranking_chapter
from analysis.report.chapters.search import search_chapter
from analysis.report.content import Chart, Grid, Note, Section
from analysis.report.findings import summarize
from analysis.statistics.evidence import Evidence, gather

CHAPTERS = (
    amounts_chapter,
    ranking_chapter,
    overfitting_chapter,
    gradient_chapter,
    factor_chapter,
    search_chapter,
)


def confirmed(study: Study, n_seeds: int = 3) -> Study:
    """The same study, its best setting trained again on fresh seeds, far better and with other curves."""
    best = gather(study).ranking["setting"].iloc[0]
    run = study.trials[(study.trials["trial"] == best) & (study.trials["state"] == "completed")].head(1)
    fresh = [
        run.assign(phase="confirm", replicate=n, seed=900 + n, val_accuracy=0.99, best_epoch=1)
        for n in range(1, n_seeds + 1)
    ]
    is_its = (study.epochs["trial"] == best) & (study.epochs["replicate"] == run["replicate"].iloc[0])
    curve = study.epochs[is_its].assign(phase="confirm", train_accuracy=1.0, val_accuracy=0.5)
    curve = curve.assign(val_loss=curve["epoch"] * 2.0)
    curves = [curve.assign(replicate=n) for n in range(1, n_seeds + 1)]
    return replace(
        study,
        trials=pd.concat([study.trials, *fresh], ignore_index=True),
        epochs=pd.concat([study.epochs, *curves], ignore_index=True),
    )


def say(section: Section | None) -> list[str]:
    """All sentences and tables of a chapter; what says that it is of the search alone is left out."""
    said = []
    for block in [] if section is None else section.blocks:
        if isinstance(block, Chart | Grid):
            said.append(f"{block.title}: {block.reading}".replace(" of the search", ""))
        if isinstance(block, Grid):
            said.append(block.shown.to_csv(index=False))
        if isinstance(block, Note):
            said.append(block.text)
    return said


@pytest.mark.parametrize("make", CHAPTERS, ids=lambda make: make.__name__)
def test_a_confirmation_leaves_what_is_said_of_the_search(
    small_study: Study, make: Callable[[Evidence], Section | None]
) -> None:
    assert say(make(gather(confirmed(small_study)))) == say(make(gather(small_study)))


@pytest.mark.parametrize(
    "draw", [figures.onsets, figures.learning_curves, figures.curves_by_cell, figures.parallel_coordinates]
)
def test_figures_of_the_search_draw_no_run_of_the_confirmation(
    small_study: Study, draw: Callable[[Study], object]
) -> None:
    def count_lines(figure: object) -> list[int]:
        parts = [list(axes.lines) + list(axes.collections) for axes in figure.axes]  # type: ignore[attr-defined]
        return [sum(len(getattr(part, "get_paths", list)()) or 1 for part in own) for own in parts]

    assert count_lines(draw(confirmed(small_study))) == count_lines(draw(small_study))


def test_onsets_are_counted_of_the_search_and_said_to_be(small_study: Study) -> None:
    (plain,), (said,) = (
        [finding.text for finding in summarize(study) if finding.kind == "onset"]
        for study in (small_study, confirmed(small_study))
    )
    assert said == plain.replace("completed runs ", "completed runs of the search ", 1)
    assert (
        "runs of the confirmation are of settings" in overfitting_chapter(gather(confirmed(small_study))).lead
    )


def test_a_line_to_beat_is_compared_with_fresh_seeds_and_says_so(small_study: Study) -> None:
    assert "under 3 fresh seeds" in read_baselines(gather(confirmed(small_study)))
    assert "fresh" not in read_baselines(gather(small_study))
