from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Study, load, write_parquet
from analysis.records.times import add_times
from analysis.report.chapters.search import search_chapter
from analysis.report.content import Chart
from analysis.statistics.evidence import Evidence, gather

MakeTable = Callable[..., pd.DataFrame]
LOSSES = [0.5, 0.4, 0.3, 0.35]


def test_seconds_of_training_leave_out_what_the_first_epoch_carries(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    # The same setting, first of its worker and not: 24 s against 6 s as a whole.
    first, later = [15.0, 1.0, 2.0, 1.5], [1.5, 1.0, 2.0, 1.5]
    epochs = pd.concat(
        [
            make_epochs({(0, 1): LOSSES}, epoch_s=first),
            make_epochs({(0, 2): LOSSES}, epoch_s=later),
        ]
    )
    trials = make_trials(
        [
            {"trial": 0, "replicate": 1, "best_epoch": 3, "wall_s": 24.0},
            {"trial": 0, "replicate": 2, "best_epoch": 3, "wall_s": 6.0},
        ]
    )

    timed = add_times(trials, epochs)

    assert timed["epoch_s"].tolist() == [1.5, 1.5]
    assert timed["to_best_s"].tolist() == [4.5, 4.5]


def test_a_run_of_one_epoch_has_no_other_to_tell_its_time_by(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    timed = add_times(make_trials([{"best_epoch": 1}]), make_epochs([0.5], epoch_s=[2.0]))

    assert timed["to_best_s"].tolist() == [2.0]


def test_a_run_without_a_best_epoch_has_no_time_to_it(make_trials: MakeTable, make_epochs: MakeTable) -> None:
    timed = add_times(make_trials([{"best_epoch": np.nan}]), make_epochs([np.nan], epoch_s=[2.0]))

    assert timed["to_best_s"].isna().all()


def test_tables_of_an_earlier_release_get_their_times_from_the_epochs(
    small_study: Study, tmp_path: Path
) -> None:
    old = replace(small_study, trials=small_study.trials.drop(columns=["epoch_s", "to_best_s"]))
    write_parquet(old, tmp_path)

    again = load(tmp_path)

    assert list(again.trials) == list(small_study.trials)
    assert again.trials["to_best_s"].tolist() == pytest.approx(
        small_study.trials["to_best_s"].tolist(), nan_ok=True
    )


def test_where_epochs_have_no_time_whole_runs_are_compared_and_it_is_said(small_study: Study) -> None:
    unknown = small_study.trials.assign(epoch_s=np.nan, to_best_s=np.nan)
    section = search_chapter(gather(replace(small_study, trials=unknown)))

    (chart,) = (block for block in section.blocks if isinstance(block, Chart) and block.name == "front-time")
    assert "Times are of whole runs, their start included" in chart.reading
    assert Evidence(small_study).time_cost == "to_best_s"
