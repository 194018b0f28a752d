"""What chapters say of studies that leave something out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from analysis import Study, summarize
from analysis.report.chapters.beat import beat_chapter
from analysis.report.chapters.factor import factor_chapter
from analysis.report.chapters.failures import failures_chapter
from analysis.report.chapters.overfit import overfitting_chapter, read_factor_onsets
from analysis.report.chapters.question import question_chapter
from analysis.report.chapters.ranking import ranking_chapter
from analysis.report.chapters.search import search_chapter
from analysis.report.chapters.verdict import verdict_grid
from analysis.report.content import Chart, Grid, Section
from analysis.statistics.evidence import gather
from analysis.statistics.optimism import binomial_half_width


def names_of_charts(section: Section) -> set[str]:
    return {block.name for block in section.blocks if isinstance(block, Chart)}


def grid_of(section: Section, name: str) -> Grid:
    (grid,) = [block for block in section.blocks if isinstance(block, Grid) and block.name == name]
    return grid


def change(study: Study, **columns: Any) -> Study:
    return replace(study, trials=study.trials.assign(**columns))


def test_the_space_that_was_asked_stands_beside_what_was_tried(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=6, n_seeds=1)
    study = change(study, cell=["rnn", "lstm"] * 3, learning_rate=[0.001] * 6)

    table = grid_of(question_chapter(gather(study)), "space").shown.set_index("parameter")

    assert table.loc["cell"].tolist() == ["SimpleRNN, LSTM and GRU", "LSTM and SimpleRNN", "GRU"]
    assert table.loc["learning rate"].tolist() == ["1e-4 to 0.01, by factors", "0.001", ""]
    assert table.loc["optimizer", "asked"] == ""


def test_a_choice_that_was_never_drawn_is_a_finding(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=30, n_seeds=1)
    study = change(study, cell=study.trials["cell"].replace("gru", "lstm"))

    found = [finding.text for finding in summarize(study) if finding.kind == "never-drawn"]

    assert found == ["Cell GRU was never drawn: of what was not tried, nothing is known."]


def test_margins_say_once_what_they_are_for(make_study: Callable[..., Study]) -> None:
    one_seed = ranking_chapter(gather(make_study(n_seeds=1))).lead
    assert "\u00b1 is for other texts alone" in one_seed


def test_where_no_run_loses_anything_nothing_is_said_to_cost(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=8, n_seeds=1, fail_fraction=0, prune_fraction=0)
    kept = replace(study, trials=study.trials.assign(val_accuracy_last=study.trials["val_accuracy"]))

    chart = ranking_chapter(gather(kept)).blocks[0]

    assert isinstance(chart, Chart)
    assert chart.reading.endswith("; none loses anything by its last epoch.")


def test_a_setting_with_one_run_has_a_margin_of_the_same_meaning(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=8, n_seeds=3, fail_fraction=0, prune_fraction=0)
    whole = gather(study).ranking.set_index("setting")["half_width"]
    first = study.trials["trial"].eq(0) & study.trials["replicate"].gt(1)
    part = gather(change(study, state=study.trials["state"].mask(first, "pruned")))

    alone = part.ranking.set_index("setting")["half_width"]
    accuracy = part.ranking.set_index("setting")["val_accuracy"][0]

    assert "borrow from the others" in ranking_chapter(part).lead
    assert alone[0] > 1.02 * binomial_half_width(accuracy, 400)
    assert alone.drop(0).tolist() == pytest.approx(whole.drop(0).tolist())


def test_runs_that_a_scheduler_stopped_are_no_failures(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=4, fail_fraction=0, prune_fraction=0)
    stopped = study.trials["trial"].eq(1)
    pruned = study.trials["state"].mask(stopped, "pruned")
    failed = pruned.mask(study.trials["trial"].eq(2), "failed")

    titles = [failures_chapter(gather(change(study, state=states))).title for states in (pruned, failed)]

    assert titles == ["Runs that were stopped", "Failures and stopped runs"]


def test_without_an_onset_no_figure_of_onsets_is_drawn(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=8, fail_fraction=0, prune_fraction=0)
    flat = replace(study, epochs=study.epochs.assign(val_loss=1.0 / study.epochs["epoch"]))

    section = overfitting_chapter(gather(flat))
    (by_factor,) = [
        block
        for block in section.blocks
        if isinstance(block, Chart) and block.name == "overfitting-by-factor"
    ]

    assert "onset" in names_of_charts(overfitting_chapter(gather(study)))
    assert "onset" not in names_of_charts(section)
    assert len(by_factor.draw().axes) == 2


def test_title_and_lead_of_effects_say_the_same(make_study: Callable[..., Study]) -> None:
    evidence = gather(make_study(n_trials=6, n_seeds=1, fail_fraction=0, prune_fraction=0))
    section = factor_chapter(evidence)
    (chart,) = [block for block in section.blocks if isinstance(block, Chart) and block.name == "effects"]

    title = chart.draw().axes[0].get_title(loc="left")

    assert title == "mean accuracy, as tried"
    assert "means are as tried" in section.lead
    assert "as they were tried" in chart.reading


def test_of_equally_accurate_settings_the_cheapest_is_named(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=4, n_seeds=1, fail_fraction=0, prune_fraction=0)
    tied = change(study, val_accuracy=0.8, to_best_s=[40.0, 10.0, 20.0, 30.0])

    charts = [block for block in search_chapter(gather(tied)).blocks if isinstance(block, Chart)]
    (reading,) = [chart.reading for chart in charts if chart.name == "front-time"]

    label = gather(tied).runs.set_index("trial")["label"][1]
    assert f"{label}, the cheapest of 4 that are equally accurate, takes 10 s" in reading


def test_two_pairs_give_no_interval() -> None:
    nan = float("nan")
    effect = {"effect_pp": -1.0, "effect_low_pp": -130.0, "effect_high_pp": 128.0, "p_better": 0.5}
    unknown = {"p_value": nan, "p_corrected": nan, "more": nan, "more_of": "", "scope": "", "confounded": ""}
    units = {"n_pairs": 2, "n_units": 2, "unit": "seed", "method": "paired", "answer": "not enough runs"}
    row = {"name": "a over b", **effect, **unknown, **units}
    shown = verdict_grid("name", "title", pd.DataFrame([row])).shown
    assert shown["95% interval"].tolist() == ["none from 2 pairs"]
    assert shown["difference, points"].tolist() == ["\u22121.0"]


def test_the_largest_difference_in_onsets_is_that_of_all_factors(
    monkeypatch: pytest.MonkeyPatch, make_study: Callable[..., Study]
) -> None:
    evidence = gather(make_study(n_trials=6, n_seeds=1, fail_fraction=0, prune_fraction=0))
    nan = float("nan")
    rows = [("cell", "gru", 3.35, 1.9, 4.0), ("cell", "lstm", 3.4, 2.3, 4.0)]
    # Levels of two settings have no interval, and differ all the same.
    rows += [("train_size", 1600, 2.25, nan, nan), ("train_size", 200, 4.0, nan, nan)]
    table = pd.DataFrame(rows, columns=["factor", "level", "mean", "low", "high"])
    monkeypatch.setitem(
        evidence.__dict__, "overfitting_by_factor", table.assign(statistic="epochs_before_onset")
    )

    said = read_factor_onsets(evidence)

    assert said.startswith(
        "Models with training texts 1,600 go 2.3 epochs before they overfit, those with 200 4.0"
    )
    assert "the largest difference by factor, from too few settings for an interval." in said


def test_alike_reasons_are_counted_together_with_the_range_of_their_epochs(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(n_trials=4, n_seeds=1, fail_fraction=0, prune_fraction=0)
    reasons = [f"stopped by the scheduler after epoch {n}" for n in (2, 4, 2)]
    study = change(study, state=["pruned"] * 3 + ["failed"], reason=[*reasons, None])

    shown = grid_of(failures_chapter(gather(study)), "not-completed").shown.set_index("reason")

    assert shown.loc["stopped by the scheduler after epoch 2 to 4", "runs"] == "3"
    assert shown.loc["no reason was recorded", "runs"] == "1"


def test_the_test_split_is_said_to_be_opened_where_it_was(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=2, n_seeds=1, fail_fraction=0, prune_fraction=0)
    facts = study.facts.model_copy(update={"n_test": 100})
    opened = {"data": {"test_openings": [{"trials": [0]}], "reading": {"delimiter": "\t"}}}

    sealed, read = (
        question_chapter(gather(replace(study, facts=facts, manifest=manifest))) for manifest in ({}, opened)
    )

    said = [
        grid_of(chapter, "asked").shown.set_index("what")["value"]["test split"] for chapter in (sealed, read)
    ]
    assert said[0] == "100 texts, sealed: read once settings are confirmed"
    assert said[1] == "100 texts, opened once, for settings that were confirmed"
    # What nobody would see is named.
    assert grid_of(read, "manifest").shown.set_index("what")["value"]["data.reading.delimiter"] == '"\\t"'


def test_published_models_are_announced_where_some_are_shown(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=2, n_seeds=1, fail_fraction=0, prune_fraction=0)
    sources = [study.facts.model_copy(update={"source": source}) for source in ("reviews.csv", "imdb")]
    studies = [replace(study, facts=facts) for facts in sources]
    titles = [
        block.title
        for study in studies
        for block in beat_chapter(gather(study)).blocks
        if isinstance(block, Chart)
    ]
    assert ["published" in title for title in titles] == [False, True]
