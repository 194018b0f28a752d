"""How much of a run's accuracy it owes to its best epoch having been the luckiest of many."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.records.schema import run_keys
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.intervals import Floats
from analysis.statistics.overfitting import jitter, spread_curves

MIN_EPOCHS = 5
"""Epochs below which a curve cannot be told from its jitter, and nothing is taken off."""

_DRAWS = 256

_ALLOWANCE = 1.5
"""By which the texts' share of a variance is multiplied where nobody knows which texts a model gets right.

Told from few epochs, and never as more than all, it comes out low on average. Found by simulation, which the
tests of this module repeat.
"""


def luck_of_best_epoch(
    epochs: pd.DataFrame, n_texts: int | None = None, hits: Hits | None = None
) -> pd.DataFrame:
    """What the accuracy at the best epoch owes to the texts that chose it, on average over other texts.

    The best of many epochs on the same texts is too good, and more so the more a curve jitters: of two equal
    settings the less steady one looks better. A smooth curve is fitted to each run, jitter of the run's own
    size is added again and again, and what the best epoch then has of it is luck, as far as it comes from the
    texts. Weights that are really better at one epoch than at the next make a curve jitter, too, and whoever
    keeps the best ones keeps that. How much jitter there is in all, the runs of a trial say together. Texts
    make it as far as models get other ones right from one epoch to the next. Nobody kept that; the seeds of a
    trial say how often it happens from one model to another, which is more. Where `hits` does not know that
    either, each epoch is taken to be a share of `n_texts` of its own.

    Args:
        epochs: The contract's table.
        n_texts: Texts behind each accuracy; where that is not known, all of the jitter is theirs.
        hits: Which texts the runs got right.

    Returns:
        One row per replicate: its `run_keys`, `luck` (a share, at least 0; 0 below five epochs).

    Source: a parametric bootstrap (Davison & Hinkley, 1997, section 2.2) of the maximum, around least squares
        on 1, log(epoch) and epoch, which can rise, level off and fall. Of a sum of two independent normal
        parts, each has on average its share of the variance.
    """
    index, _, curves = spread_curves(epochs)
    accuracy = curves["val_accuracy"]
    table = index.to_frame(index=False)
    table["luck"] = 0.0
    if accuracy.size:
        spread = jitter(accuracy)
        variance = pd.Series(np.square(spread)).groupby(table["trial"]).transform("mean").to_numpy()
        if n_texts:
            mean = pd.DataFrame(accuracy).mean(axis=1).to_numpy()
            by_texts = _turning(table, hits) * mean * (1.0 - mean) / n_texts
            with np.errstate(divide="ignore", invalid="ignore"):  # of a curve without jitter, or a figure
                share = np.fmin(by_texts / variance, 1.0)
        else:
            share = np.ones(len(accuracy))
        table["luck"] = _luck(accuracy, spread) * share
    return table


def _turning(runs: pd.DataFrame, hits: Hits | None) -> float:
    """How much a text's hit varies between the seeds of a trial, in variances of a hit by chance alone."""
    if hits is None:
        return _ALLOWANCE
    known = runs.assign(row=hits.find(runs if "phase" in runs else runs.assign(phase="search")))
    known = known[known["row"] >= 0]
    within, by_chance = 0.0, 0.0
    for _, own in known[known["trial"].duplicated(keep=False)].groupby("trial")["row"]:
        right = hits.table[own].mean(axis=0)
        within += float((right * (1.0 - right)).mean()) * len(own)
        by_chance += float(right.mean() * (1.0 - right.mean())) * (len(own) - 1)
    return within / by_chance if by_chance > 0 else _ALLOWANCE


def _luck(values: Floats, spread: Floats) -> Floats:
    noise = np.random.default_rng(0).normal(size=(_DRAWS, values.shape[1]))
    luck = np.zeros(len(values))
    for row in np.flatnonzero((~np.isnan(values)).sum(axis=1) >= MIN_EPOCHS):
        known = np.flatnonzero(~np.isnan(values[row]))
        epoch = known + 1.0
        design = np.column_stack([np.ones(len(epoch)), np.log(epoch), epoch])
        smooth = design @ np.linalg.lstsq(design, values[row, known], rcond=None)[0]
        drawn = spread[row] * noise[:, known]
        best = (smooth + drawn).argmax(axis=1)
        luck[row] = max(float(drawn[np.arange(_DRAWS), best].mean()), 0.0)
    return luck


def without_luck(
    trials: pd.DataFrame, epochs: pd.DataFrame, n_texts: int | None = None, hits: Hits | None = None
) -> pd.DataFrame:
    """`trials` with a column `score`: the accuracy at the best epoch less the luck of that epoch."""
    keys = run_keys(trials, epochs)
    luck = luck_of_best_epoch(epochs, n_texts, hits).set_index(keys)["luck"]
    own = luck.reindex(pd.MultiIndex.from_frame(trials[keys])).fillna(0.0)
    return trials.drop(columns="score", errors="ignore").assign(score=trials["val_accuracy"] - own.to_numpy())
