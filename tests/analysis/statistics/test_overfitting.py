from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.statistics.overfitting import (
    allowance_for_jitter,
    curve_noise,
    jitter,
    onset_indices,
    overfitting_by_replicate,
)

MakeTable = Callable[..., pd.DataFrame]

NOTEBOOK_LOSS = [0.3206, 0.3091, 0.3465, 0.4009, 0.4434]
NOTEBOOK_ACCURACY = [0.8659, 0.8684, 0.8514, 0.8543, 0.8584]


def onset_of(losses: list[float], allowance: float = 0.02) -> int | None:
    """The onset as an epoch from 1, None if there is none."""
    index = onset_indices(np.array([losses]), np.array([allowance * np.nanmin(losses)]))[0]
    return int(index) + 1 if index >= 0 else None


def test_the_notebooks_loss_never_recovers_after_epoch_2(make_epochs: MakeTable) -> None:
    epochs = make_epochs(
        NOTEBOOK_LOSS, val_accuracy=NOTEBOOK_ACCURACY, train_accuracy=[0.9, 0.92, 0.95, 0.96, 0.98]
    )
    row = overfitting_by_replicate(epochs).iloc[0]
    assert (row["best_epoch"], row["best_loss_epoch"], row["onset_epoch"]) == (2, 2, 2)
    assert row["loss_overfits"]
    assert row["gap_best"] == pytest.approx(0.92 - 0.8684)
    assert row["gap_last"] == pytest.approx(0.98 - 0.8584)
    assert row["cost_accuracy"] == pytest.approx(0.8684 - 0.8584)
    assert row["cost_loss"] == pytest.approx(0.4434 - 0.3091)


@pytest.mark.parametrize(
    ("losses", "onset"),
    [
        ([0.5, 0.4, 0.35, 0.34, 0.33], None),  # still falls
        ([0.5, 0.3, 0.35, 0.4, 0.45], 2),  # a sharp valley: smoothing by medians would say 3
        ([0.5, 0.301, 0.3, 0.4, 0.5], 3),  # the first of the two lowest would be 2
        ([0.5, 0.3, 0.9, 0.3, 0.29], None),  # one epoch up, then recovered
        ([0.5, 0.4, 0.3, 0.29, 0.5], None),  # only the last epoch is up: one epoch proves nothing
        ([0.5, 0.4, 0.4, 0.3, 0.4, 0.4, 0.4], None),  # flat but for one lucky epoch
        ([0.5, 0.3, 0.31, 0.35, 0.4, 0.302, 0.5, 0.55], 2),  # a lone return at epoch 6
        ([0.5, 0.3, 0.31, 0.35, 0.4, 0.25, 0.5, 0.55], 2),  # a lone return that is even the minimum
        ([0.5, 0.3, 0.4, 0.302, 0.5, 0.55], 4),  # one epoch outside in between: which of the two is noise?
        ([0.5, 0.3, 0.4, 0.4, 0.302, 0.301, 0.5, 0.55], 6),  # two epochs are a recovery
        ([0.5, 0.45, 0.4, 0.36, 0.3, 0.36, 0.4], 5),  # a long way down is no lone return
        ([0.3, 0.35, 0.4], 1),
        ([0.3, 0.4], None),
        ([0.3], None),
        ([0.5, 0.3, np.nan, 0.35, 0.4, np.nan], 2),
    ],
)
def test_onset_is_the_last_epoch_near_the_minimum_unless_one_epoch_decides(
    losses: list[float], onset: int | None
) -> None:
    assert onset_of(losses) == onset


def test_tolerance_decides_what_counts_as_recovered() -> None:
    losses = [0.5, 0.3, 0.305, 0.35, 0.4]
    assert (onset_of(losses, 0.01), onset_of(losses, 0.02), onset_of(losses, 0.4)) == (2, 3, None)


def brute_force_rises(losses: list[float], allowance: float) -> bool:
    def ends_outside(curve: list[float]) -> bool:
        return len(curve) > 1 and curve[-1] > min(curve) + allowance

    rest = [losses[:i] + losses[i + 1 :] for i in range(len(losses))]
    return ends_outside(losses) and all(ends_outside(curve) for curve in rest)


@given(
    losses=st.lists(st.integers(1, 12), min_size=1, max_size=9), allowance=st.sampled_from([0.5, 1.5, 3.5])
)
def test_a_rise_stands_exactly_if_it_does_without_each_single_epoch(
    losses: list[int], allowance: float
) -> None:
    found = onset_indices(np.array([losses], dtype=float), np.array([allowance]))[0] >= 0
    assert found == brute_force_rises([float(loss) for loss in losses], allowance)


@given(losses=st.lists(st.floats(0.1, 2), min_size=3, max_size=9), scale=st.floats(0.5, 3))
def test_every_epoch_after_the_onset_is_outside_but_for_one(losses: list[float], scale: float) -> None:
    onset = onset_of(losses)
    if onset is not None:
        inside = [loss <= 1.02 * min(losses) for loss in losses[onset:]]
        assert sum(inside) <= 1
        assert not inside[-1]


def test_accuracy_can_hold_while_loss_overfits(make_epochs: MakeTable) -> None:
    epochs = make_epochs(NOTEBOOK_LOSS, val_accuracy=[0.8, 0.85, 0.86, 0.861, 0.86], train_accuracy=[0.9] * 5)
    row = overfitting_by_replicate(epochs).iloc[0]
    assert bool(row["loss_overfits"]) is True
    assert bool(row["accuracy_overfits"]) is False
    assert (row["best_epoch"], row["best_loss_epoch"]) == (4, 2)


def test_best_epoch_follows_the_objective_and_is_the_earliest(make_epochs: MakeTable) -> None:
    epochs = make_epochs([0.4, 0.3, 0.3, 0.5], val_accuracy=[0.7, 0.8, 0.9, 0.9], train_accuracy=[1.0] * 4)
    by_accuracy = overfitting_by_replicate(epochs).iloc[0]
    by_loss = overfitting_by_replicate(epochs, objective="val_loss").iloc[0]
    assert (by_accuracy["best_epoch"], by_loss["best_epoch"]) == (3, 2)
    assert (by_accuracy["gap_best"], by_loss["gap_best"]) == (pytest.approx(0.1), pytest.approx(0.2))


def test_a_run_cut_short_is_never_said_not_to_overfit(make_epochs: MakeTable, make_trials: MakeTable) -> None:
    curves = {(number, 1): [0.5, 0.4, 0.3] for number in range(4)} | {(4, 1): NOTEBOOK_LOSS}
    states = ("completed", "pruned", "timeout", "diverged", "pruned")
    trials = make_trials({"state": state} for state in states)
    table = overfitting_by_replicate(make_epochs(curves), trials).set_index("trial")
    assert not table.loc[0, "loss_overfits"]
    assert table.loc[[1, 2, 3], "loss_overfits"].isna().all()
    assert table.loc[4, "loss_overfits"]
    assert table.loc[0, "epochs_before_onset"] == 3
    assert table.loc[[1, 2, 3], "epochs_before_onset"].isna().all()


def test_rows_and_epochs_may_come_in_any_order(make_epochs: MakeTable) -> None:
    epochs = make_epochs({(3, 1): NOTEBOOK_LOSS, (3, 2): [0.5, 0.4, 0.3], (1, 1): [0.4]})
    shuffled = epochs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(overfitting_by_replicate(shuffled), overfitting_by_replicate(epochs))
    assert list(overfitting_by_replicate(epochs)["trial"]) == [1, 3, 3]


@pytest.mark.parametrize("losses", [[np.nan], [np.nan] * 4, [np.inf, np.nan, 0.3], [0.3]])
def test_what_cannot_be_said_is_missing(make_epochs: MakeTable, losses: list[float]) -> None:
    row = overfitting_by_replicate(make_epochs(losses)).iloc[0]
    assert pd.isna(row["onset_epoch"])
    assert pd.isna(row["loss_overfits"])
    assert np.isnan(row["gap_best"])


def test_no_epochs_give_an_empty_table_of_the_same_types(make_epochs: MakeTable) -> None:
    full = overfitting_by_replicate(make_epochs(NOTEBOOK_LOSS))
    empty = overfitting_by_replicate(make_epochs({(0, 1): []}))
    assert empty.empty
    assert dict(empty.dtypes) == dict(full.dtypes)
    assert curve_noise(make_epochs({(0, 1): []})).empty


def test_a_missing_column_is_named(make_epochs: MakeTable) -> None:
    with pytest.raises(AnalysisError, match="lacks the column 'val_loss'"):
        overfitting_by_replicate(make_epochs(NOTEBOOK_LOSS).drop(columns="val_loss"))


def test_noise_of_a_line_is_none_and_of_jitter_its_size(make_epochs: MakeTable) -> None:
    rng = np.random.default_rng(0)
    jitter = (0.5 + rng.normal(0, 0.01, 2000)).tolist()
    table = curve_noise(make_epochs({(0, 1): [0.5, 0.4, 0.3, 0.2], (1, 1): jitter, (2, 1): [0.5, 0.4]}))
    noise = table["val_loss_noise"].to_numpy()
    assert noise[0] == pytest.approx(0, abs=1e-12)
    assert noise[1] == pytest.approx(0.01, rel=0.1)  # its standard error is 2%: five of them
    assert np.isnan(noise[2])
    assert table["val_accuracy_noise"].isna().all()


def test_a_flat_curve_that_jitters_by_a_twentieth_seldom_overfits() -> None:
    losses = 0.35 * np.exp(np.random.default_rng(0).normal(0, 0.05, (2000, 10)))
    allowed = np.fmax(0.03 * losses.min(axis=1), allowance_for_jitter(losses, is_relative=True))
    share = (onset_indices(losses, allowed) >= 0).mean()
    # Six standard errors of a share of 5% in 2,000: 2.9 points. With 3% alone it was 48%.
    assert share == pytest.approx(0.05, abs=0.029)


def test_neither_a_steady_bend_nor_one_sharp_turn_is_jitter() -> None:
    epochs = np.arange(10.0)
    parabola, turn = 1 + 0.02 * (epochs - 4) ** 2, 1 + 0.1 * np.abs(epochs - 4)
    assert jitter(np.array([parabola, turn])) == pytest.approx([0, 0], abs=1e-12)


def test_the_jitter_of_many_epochs_is_the_standard_deviation_of_one() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, (40, 400))
    assert jitter(noise).mean() == pytest.approx(0.02, rel=0.08)
    assert np.isnan(jitter(noise[:, :3])).all()
