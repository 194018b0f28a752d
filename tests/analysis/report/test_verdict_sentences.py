"""What the report says of verdicts, in studies whose tables are made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import Study, summarize
from analysis.records.schema import TRIAL_COLUMNS
from analysis.report.chapters.beat import _read_line, read_baselines
from analysis.report.chapters.lost_runs import lost_grids, read_lost
from analysis.report.chapters.mistakes import _classes_grid
from analysis.report.chapters.overfit import say_confounded
from analysis.report.chapters.tested import read_factors, within_name
from analysis.report.chapters.verdict import read_levels, read_settings, verdict_chapter
from analysis.report.content import Grid
from analysis.statistics.evidence import Evidence, gather
from analysis.statistics.verdicts.factors import DIFFER
from analysis.words.numbers import MINUS
from analysis.words.verdicts import say_verdict

MakeTable = Callable[..., pd.DataFrame]


@pytest.fixture
def judge(one_setting: Study, make_trials: MakeTable) -> Callable[[list[dict[str, Any]]], Evidence]:
    """The evidence of a study with these runs and no curves."""

    def make(rows: list[dict[str, Any]]) -> Evidence:
        trials = make_trials([{"val_accuracy_last": row["val_accuracy"], **row} for row in rows])
        parameters = tuple(name for name in trials if name not in TRIAL_COLUMNS)
        no_curves = one_setting.epochs.iloc[:0]
        return gather(replace(one_setting, trials=trials, epochs=no_curves, parameters=parameters))

    return make


def crossed(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Cells by directions under five sizes and two seeds: which cell is ahead turns with the direction."""
    settings = [
        (cell, both, units) for cell in ("gru", "lstm") for both in (False, True) for units in range(5)
    ]
    return [
        {
            "trial": trial,
            "replicate": replicate,
            "cell": cell,
            "bidirectional": both,
            "units": 8 * (1 + units),
            "val_accuracy": 0.8 + 0.03 * ((cell == "lstm") == both) + rng.normal(0, 0.003),
        }
        for trial, (cell, both, units) in enumerate(settings)
        for replicate in (1, 2)
    ]


def test_that_levels_change_places_is_said_before_any_average(judge: Callable[..., Evidence]) -> None:
    text = read_levels(judge(crossed(np.random.default_rng(0))))
    assert text.startswith("Cell and direction act together (")
    assert "which cell is ahead changes with the other" in text
    assert "is shown to be better than another on average" in text


def test_what_each_level_does_at_each_level_of_the_other_is_said(judge: Callable[..., Evidence]) -> None:
    evidence = judge(crossed(np.random.default_rng(0)))
    said = "With one direction GRU beats LSTM by "
    assert said in read_levels(evidence)
    assert "and with both directions LSTM beats GRU by" in read_levels(evidence)
    names = [within_name(row) for row in evidence.simple_effects.to_dict("records")]
    assert names[:2] == [
        "cell: GRU over LSTM, with one direction",
        "cell: LSTM over GRU, with both directions",
    ]


def test_that_factors_act_together_is_found_after_the_best_and_before_any_average(
    judge: Callable[..., Evidence],
) -> None:
    kinds = [finding.kind for finding in summarize(judge(crossed(np.random.default_rng(0))))]
    assert kinds.index("best") < kinds.index("levels") < kinds.index("factors") < kinds.index("onset")


def test_a_factor_is_tested_before_its_levels(judge: Callable[..., Evidence]) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            "trial": 3 * layers + units,
            "replicate": seed,
            "seed": seed,
            "units": 8 * 2**units,
            "layers": 1 + layers,
            "val_accuracy": 0.8 + 0.02 * units + rng.normal(0, 0.003),
        }
        for layers in range(4)
        for units in range(3)
        for seed in (1, 2, 3)
    ]
    evidence = judge(rows)
    kinds = [finding.kind for finding in summarize(evidence)]
    assert kinds.index("factors") < kinds.index("levels")
    assert read_factors(evidence) == (
        "The levels of units differ, those of layers are not shown to (one test per factor). "
        "Accuracy rises by 2.0 points (1.8 to 2.3) from one level of units to the next."
    )


def test_where_runs_came_to_nothing_is_said_with_its_interval(judge: Callable[..., Evidence]) -> None:
    rows: list[dict[str, Any]] = [
        {"trial": trial, "replicate": seed, "seed": seed, "units": 8 * (1 + trial), "val_accuracy": 0.8}
        for trial in (0, 1)
        for seed in range(1, 6)
    ]
    for row in rows[:2]:
        row |= {"state": "diverged", "val_accuracy": float("nan")}
    evidence = judge(rows)
    assert read_lost(evidence) == (
        "Of 10 runs that ended by themselves 2 diverged; most with units 8, 40% (12% to 77%)."
    )
    assert [grid.name for grid in lost_grids(evidence)] == ["lost-runs", "verdicts-lost"]


def test_one_run_of_each_is_no_tie(judge: Callable[..., Evidence]) -> None:
    evidence = judge([{"units": 8, "val_accuracy": 0.80}, {"units": 16, "val_accuracy": 0.86}])
    assert read_settings(evidence) == (
        "16 units is 6.0 points ahead of 8 units with one run of each, which says nothing of the luck of the "
        "seed: train them again under other seeds."
    )


def test_a_factor_that_goes_with_another_is_not_blamed_alone(judge: Callable[..., Evidence]) -> None:
    rows = [
        {"units": 8 * (1 + both), "layers": 1 + both, "dropout": dropout, "val_accuracy": 0.8}
        for both in (0, 1)
        for dropout in (0.0, 0.3)
    ]
    evidence = judge(rows)

    assert say_confounded(evidence, "units") == ", and units cannot be told apart from layers"
    assert say_confounded(evidence, "dropout") == ""


def test_two_equal_runs_are_not_one_ahead_of_the_other(judge: Callable[..., Evidence]) -> None:
    evidence = judge([{"units": 8, "val_accuracy": 0.80}, {"units": 16, "val_accuracy": 0.80}])

    assert " units is as accurate as " in read_settings(evidence)
    assert "ahead" not in read_settings(evidence)


def field(phase: str, means: list[float], seeds: range) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    return [
        {
            "trial": trial,
            "replicate": seed,
            "seed": seed,
            "phase": phase,
            "units": 8 * (1 + trial),
            "val_accuracy": mean + rng.normal(0, 0.002),
        }
        for trial, mean in enumerate(means)
        for seed in seeds
    ]


def test_the_settings_that_may_be_the_best_are_named(judge: Callable[..., Evidence]) -> None:
    text = read_settings(judge(field("search", [0.850, 0.849, 0.80, 0.79], range(1, 6))))
    assert "but 2 of 4 settings may be the best" in text
    assert "2 can" in text
    alone = read_settings(judge(field("search", [0.90, 0.85, 0.80, 0.79], range(1, 6))))
    assert alone == "8 units is the best: all 3 others can be ruled out."


def test_fresh_seeds_name_the_setting_that_they_favour(judge: Callable[..., Evidence]) -> None:
    searched = field("search", [0.86, 0.85, 0.84], range(1, 4))
    confirmed = field("confirm", [0.83, 0.85, 0.80], range(11, 16))
    text = read_settings(judge([*searched, *confirmed]))
    assert text == "16 units is the best on fresh seeds: all 2 others can be ruled out."


def test_a_confounded_factor_is_named_without_a_count(judge: Callable[..., Evidence]) -> None:
    rows = field("search", [0.85, 0.80], range(1, 8))
    evidence = judge([{**row, "layers": 1 + row["trial"]} for row in rows])
    table = evidence.level_verdicts
    assert set(table["answer"]) == {"cannot be told apart"}
    assert [say_verdict(row) for row in table.to_dict("records")] == [
        "cannot be told apart from layers",
        "cannot be told apart from units",
    ]
    assert read_levels(evidence).endswith("2 cannot be told apart from something else.")


def test_a_line_to_beat_is_met_with_seeds_texts_and_luck(judge: Callable[..., Evidence]) -> None:
    text = read_baselines(judge(field("search", [0.850, 0.849, 0.80, 0.79], range(1, 6))))
    assert "for other seeds and texts, with the luck of having been picked out of 4" in text


def test_the_best_of_many_is_not_said_to_be_above_a_line_by_luck() -> None:
    row = {
        "name": "TF-IDF", "accuracy": 0.864, "mean": 0.881, "n_settings": 40, "n_runs": 1, "paired": True,
        "luck": 0.0, "difference": 0.017, "low": -0.004, "high": 0.038, "low_alone": 0.003,
        "high_alone": 0.031, "by_luck": 0.31, "answer": "not told",
    }  # fmt: skip
    assert _read_line(row) == (
        "The best setting, 88.1%, cannot be told apart from TF-IDF (86.4%), 1.7 points ahead (judged on "
        f"the same texts under 1 seed): {MINUS}0.4 to +3.8 points for other texts, with the luck "
        "of having been picked out of 40, which adds 0.7 points to either side; were all 40 only as good "
        "as the line, the luckiest would be as far ahead in 31% of studies."
    )
    assert " above " not in _read_line(row)
    confirmed = row | {"n_settings": 1, "n_runs": 3, "low": 0.003, "high": 0.031, "answer": "above"}
    assert _read_line(confirmed | {"luck": 0.002}) == (
        "The setting, 88.1%, is 1.7 points above TF-IDF (86.4%) (judged on the same texts under 3 seeds, 0.2 "
        "points taken off for the luck of its best epoch): +0.3 to +3.1 points for other seeds and "
        "texts."
    )


def test_macro_f1_is_told_where_classes_are_uneven(make_study: Callable[..., Study]) -> None:
    study = make_study(n_predicted=12)
    labels = np.where(np.arange(400) % 10 == 0, 1, 0).astype(np.uint16)
    uneven = Evidence(replace(study, labels=labels))
    assert "macro-F1" not in read_baselines(Evidence(study))
    assert "By macro-F1, " in read_baselines(uneven)


def test_each_class_stands_beside_that_of_the_line_to_beat(make_study: Callable[..., Study]) -> None:
    study = make_study(n_predicted=12)
    grid = _classes_grid(Evidence(study))
    assert {"recall", "recall, line", "F1", "F1, line"} <= set(grid.shown)
    assert grid.frame["line"].unique().tolist() == ["TF-IDF + logistic regression"]
    alone = _classes_grid(Evidence(replace(study, line_answers={})))
    assert "recall, line" not in alone.shown


def test_what_is_equivalent_depends_on_the_margin_of_the_spec(judge: Callable[..., Evidence]) -> None:
    evidence = judge(crossed(np.random.default_rng(0)))
    facts = evidence.facts.model_copy(update={"spec": {**evidence.facts.spec, "margin": 20}})
    wide = gather(replace(evidence.study, facts=facts))
    assert set(evidence.level_verdicts["answer"]) != {"equivalent"}
    assert set(wide.level_verdicts["answer"]) == {"equivalent"}


def test_the_early_and_the_final_comparison_do_not_contradict_each_other_unsaid(
    one_setting: Study, make_trials: MakeTable
) -> None:
    """LSTM leads after two epochs; of the runs that a scheduler left to finish GRU does."""
    rows, curves = [], []
    rng = np.random.default_rng(0)
    for trial in range(48):
        cell, is_left = ("gru", "lstm")[trial % 2], trial < 32
        early = 0.7 + 0.05 * (cell == "lstm") + rng.normal(0, 0.003)
        late = 0.8 - 0.04 * (cell == "lstm") + rng.normal(0, 0.003)
        own = [early - 0.01, early, late] if is_left else [early - 0.01, early]
        rows.append(
            {
                "trial": trial,
                "cell": cell,
                "learning_rate": 0.001 * (1 + trial // 2),
                "state": "completed" if is_left else "pruned",
                "val_accuracy": max(own),
                "val_accuracy_last": own[-1],
                "epochs_run": len(own),
            }
        )
        curves += [
            {"trial": trial, "phase": "search", "replicate": 1, "epoch": epoch, "val_accuracy": value}
            for epoch, value in enumerate(own, start=1)
        ]
    trials = make_trials(rows)
    epochs = pd.DataFrame(curves).reindex(columns=one_setting.epochs.columns)
    spec = {"design": {"kind": "search", "scientific": ["cell"]}}
    facts = one_setting.facts.model_copy(update={"max_epochs": 3, "spec": spec})
    study = replace(
        one_setting, trials=trials, epochs=epochs, parameters=("cell", "learning_rate"), facts=facts
    )
    text = read_levels(gather(study))
    assert "Cell GRU beats LSTM by 4." in text
    assert (
        " After 2 epochs and among the runs that went to their end not the same is ahead: "
        "cell LSTM is ahead of GRU by 5.1 points, and behind by 4.0 among those."
    ) in text


def test_what_was_ahead_when_runs_were_stopped_is_said_where_the_end_cannot_tell(
    judge: Callable[..., Evidence],
) -> None:
    evidence = judge(field("search", [0.850, 0.849], range(1, 3)))
    assert "better than another" in read_levels(evidence)
    early = evidence.level_verdicts.assign(
        answer="better", effect_pp=18.0, effect_low_pp=12.0, effect_high_pp=24.0, scope=""
    )
    evidence.__dict__.update(early_level_verdicts=early, equal_epochs=3)

    text = read_levels(evidence)

    assert text.startswith("After 3 epochs, runs that were stopped included, units ")
    assert (
        "by 18.0 points (12.0 to 24.0): that speaks of this stage alone. "
        "No level of any factor is, at the end of the runs, shown to be better than another. Of "
    ) in text


def test_a_factor_that_matters_is_said_where_no_two_of_its_levels_are_told_apart(
    judge: Callable[..., Evidence],
) -> None:
    evidence = judge(field("search", [0.850, 0.849], range(1, 3)))
    evidence.__dict__["factor_tests"] = evidence.factor_tests.assign(answer=DIFFER)

    assert read_levels(evidence).startswith(
        "The levels of units differ, by one test of all; but no level of any factor is shown to be better"
    )


def test_an_early_lead_is_said_also_where_other_factors_are_judged_early_alone(
    judge: Callable[..., Evidence],
) -> None:
    evidence = judge(field("search", [0.850, 0.849], range(1, 3)))
    end, better = evidence.level_verdicts, {"answer": "better", "effect_pp": 18.0, "scope": ""}
    stopped = end.assign(factor="layers", confounded="the scheduler's choice of the runs to finish")
    evidence.__dict__.update(
        level_verdicts=pd.concat([end, stopped], ignore_index=True),
        early_level_verdicts=pd.concat([end.assign(**better), stopped], ignore_index=True),
        equal_epochs=3,
    )

    text = read_levels(evidence)
    assert text.startswith("After 3 epochs, runs that were stopped included, units ")
    assert "better than another. What layers brought is told after 3 epochs, runs that were stopped" in text


def test_what_the_end_tells_needs_no_earlier_stage(judge: Callable[..., Evidence]) -> None:
    evidence = judge(field("search", [0.90, 0.80], range(1, 6)))
    early = evidence.level_verdicts.assign(answer="better")
    evidence.__dict__.update(early_level_verdicts=early, equal_epochs=3)

    assert "beats" in read_levels(evidence)
    assert "After 3 epochs" not in read_levels(evidence)


def amounts_by_cells(n_lost: int) -> list[dict[str, Any]]:
    """Two cells by two amounts of text under two seeds; so many runs of the small amount learn nothing."""
    rows = [
        {"trial": trial, "replicate": seed, "cell": cell, "train_size": size}
        | {"val_accuracy": 0.7 + 0.0001 * size + 0.002 * seed + 0.003 * (cell == "gru")}
        for trial, (cell, size) in enumerate((c, s) for c in ("gru", "lstm") for s in (200, 1600))
        for seed in (1, 2)
    ]
    small = [row for row in rows if row["train_size"] == 200]
    for row in small[:n_lost]:
        row |= {"state": "diverged", "val_accuracy": float("nan")}
    return rows


def test_a_comparison_of_two_settings_has_an_interval_in_no_table(
    monkeypatch: pytest.MonkeyPatch, judge: Callable[[list[dict[str, Any]]], Evidence]
) -> None:
    rows = amounts_by_cells(n_lost=0)
    rows[0]["val_accuracy"] = 0.5
    evidence = judge(rows)
    monkeypatch.setitem(evidence.__dict__, "collapse_floor", 0.55)
    section = verdict_chapter(evidence)
    shown = {block.name: block.shown for block in section.blocks if isinstance(block, Grid)}

    levels = shown["verdicts-levels"].set_index("comparison")
    lost = shown["verdicts-lost"].set_index("comparison")

    name = "training texts: 1,600 over 200"
    assert levels.loc[name, "95% interval"].startswith("none from")
    assert "no interval from" in lost.loc[name, "as the worst, points"]
    assert lost.loc[name, "verdict then"] == levels.loc[name, "verdict"]


def test_what_no_number_of_runs_would_tell_is_not_counted_among_what_needs_more(
    monkeypatch: pytest.MonkeyPatch, judge: Callable[[list[dict[str, Any]]], Evidence]
) -> None:
    evidence = judge(crossed(np.random.default_rng(0)))
    table = evidence.level_verdicts.assign(answer="not enough runs", method="paired")
    more = pd.array([None, *[2] * (len(table) - 1)], dtype="Int64")
    monkeypatch.setitem(evidence.__dict__, "level_verdicts", table.assign(more=more, more_of="seed"))

    said = read_levels(evidence)

    assert f"{len(table) - 1} need more runs; and 1 is not told, and more runs would not tell." in said
    rows = evidence.level_verdicts.to_dict("records")
    assert say_verdict(rows[0]) == "not told, and more runs would not tell"
    assert say_verdict(rows[1]) == "not enough runs: 2 more seeds would do"


@pytest.mark.parametrize(
    ("n_lost", "said"),
    [
        (1, "1 diverged: with cell GRU and training texts 200."),
        (2, "2 diverged; most with training texts 200, 50% ("),
    ],
)
def test_of_one_lost_run_it_is_said_what_it_was(
    judge: Callable[[list[dict[str, Any]]], Evidence], n_lost: int, said: str
) -> None:
    assert said in read_lost(judge(amounts_by_cells(n_lost)))
