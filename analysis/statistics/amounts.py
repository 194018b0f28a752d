"""Accuracy by amount of training text: learning curves, what more text would bring, and the lines beside.

The word is the field's (Viering & Loog 2022, The Shape of Learning Curves: a Review); curves by epoch are
`overfitting`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics.comparisons.crossed import quantile_t
from analysis.statistics.intervals import LEVEL
from analysis.statistics.optimism import accuracy_half_width
from analysis.statistics.settings import with_settings

TRAIN_SIZE = "train_size"
"""The parameter that says on how many texts a run was trained."""

MIN_AMOUNTS = 3
"""Fewer do not tell how a curve bends."""

_FLOORS = np.concatenate([np.linspace(0.0, 0.95, 58), [0.97, 0.985, 0.995, 1.0]])
_STEEPNESS = np.geomspace(0.03, 5.0, 50)
_MIDDLES = np.geomspace(1e-4, 1.0, 22)
_LEAST_ERROR = 1e-4
_N_NUMBERS = 4

CURVE_COLUMNS = [
    "curve", "train_size", "n_runs", "accuracy", "sd", "half_width", "line", "line_accuracy", "difference",
    "low", "high",
]  # fmt: skip
MORE_COLUMNS = ["curve", "train_size", "accuracy", "twice", "gain", "gain_low", "gain_high"]


class Gain(NamedTuple):
    """What twice the largest amount of text would add to an accuracy, with its interval; in [0, 1]."""

    gain: float
    low: float
    high: float


def curves_of(trials: pd.DataFrame, parameters: tuple[str, ...]) -> pd.DataFrame:
    """Completed runs of the search with `curve`, a number for each setting apart from its amount of text.

    Args:
        trials: The contract's table.
        parameters: The space's.
    """
    is_judged = (trials["state"] == "completed") & (trials["phase"] == "search")
    runs = with_settings(trials)[is_judged]
    others = [name for name in parameters if name != TRAIN_SIZE]
    if TRAIN_SIZE not in runs or runs.empty:
        return runs.head(0).assign(curve=pd.Series(dtype="int64"))
    curve = runs.groupby(others, dropna=False, sort=False).ngroup() if others else 0
    return runs.assign(curve=curve)


def accuracy_by_amount(
    runs: pd.DataFrame, lines: pd.DataFrame, n_texts: int, *, level: float = LEVEL
) -> pd.DataFrame:
    """Accuracy at each amount of text, beside the strongest line to beat on the same texts.

    Args:
        runs: As `curves_of` gives them.
        lines: As `Study.lines_by_amount`.
        n_texts: Texts that all were judged on.
        level: Coverage.

    Returns:
        One row per curve and amount: `curve, train_size, n_runs, accuracy` (mean), `sd` (between runs: other
        training texts and other weights), `half_width` (for other seeds and other texts to judge by), `line`
        (the one that is strongest at the largest amount), `line_accuracy` (mean over the same seeds),
        `difference` (accuracy less the line's, in pairs of one seed and so of one training set), and its
        interval `low, high`: Student's over the seeds, and for other texts as if both erred independently,
        which is wide.
    """
    if runs.empty:
        return pd.DataFrame({name: pd.Series(dtype="int64") for name in CURVE_COLUMNS})
    strongest = _strongest(lines)
    own = lines[lines["name"] == strongest].set_index([TRAIN_SIZE, "seed"])["val_accuracy"]
    rows = []
    for _, group in runs.groupby(["curve", TRAIN_SIZE], sort=True):
        curve, size = int(group["curve"].iloc[0]), int(group[TRAIN_SIZE].iloc[0])
        scores = group["val_accuracy"].astype(float)
        keys = pd.MultiIndex.from_arrays([group[TRAIN_SIZE].astype("int64"), group["seed"]])
        line = own.reindex(keys).to_numpy(dtype=float) if len(own) else np.full(len(group), np.nan)
        difference = scores.to_numpy() - line
        reach = _reach_of(difference, scores.mean(), float(np.mean(line)), n_texts, level)
        half = float(accuracy_half_width(scores.mean(), scores.std(), len(scores), n_texts, level))
        mean = float(np.mean(difference))
        here = (curve, size, len(scores), scores.mean(), scores.std(), half)
        rows.append((*here, strongest, float(np.mean(line)), mean, mean - reach, mean + reach))
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def _strongest(lines: pd.DataFrame) -> str:
    """The line with the highest mean accuracy at the largest amount, an empty name where there is none."""
    largest = lines[lines[TRAIN_SIZE] == lines[TRAIN_SIZE].max()]
    return "" if largest.empty else str(largest.groupby("name")["val_accuracy"].mean().idxmax())


def _reach_of(difference: NDArray[np.float64], mean: float, line: float, n_texts: int, level: float) -> float:
    """Half of the interval of a mean of paired differences, for other seeds and texts."""
    n = len(difference)
    by_seeds = float(np.var(difference, ddof=1)) / n if n > 1 else 0.0
    by_texts = (mean * (1 - mean) + line * (1 - line)) / n_texts if n_texts else np.nan
    variance = by_seeds + by_texts
    freedom = (n - 1) * (variance / by_seeds) ** 2 if by_seeds else np.inf
    return float(quantile_t(0.5 + level / 2, freedom) * np.sqrt(variance))


def more_text(runs: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
    """What twice as many training texts would bring to each curve, with its interval.

    Args:
        runs: As `curves_of` gives them.
        level: Coverage.

    Returns:
        One row per curve for which `foresee_gain` says something: `curve, train_size` (the largest),
        `accuracy` (there), `twice` (that many texts), `gain, gain_low, gain_high`.
    """
    rows = []
    for curve, group in runs.groupby("curve", sort=True):
        sizes, scores = group[TRAIN_SIZE].to_numpy(dtype=float), group["val_accuracy"].to_numpy(dtype=float)
        foreseen = foresee_gain(sizes, scores, level=level)
        if foreseen is not None:
            largest = sizes.max()
            at_largest = float(scores[sizes == largest].mean())
            rows.append((curve, int(largest), at_largest, 2 * int(largest), *foreseen))
    return pd.DataFrame(rows, columns=MORE_COLUMNS).astype({"curve": "int64"})


def foresee_gain(sizes: ArrayLike, accuracies: ArrayLike, *, level: float = LEVEL) -> Gain | None:
    """Foresee what doubling the largest amount of text would gain, from the runs at all amounts.

    The curves considered are error(n) = c + b / (1 + (n/h)^a), past their steepest point: power laws with a
    floor, curves that take off late, and those that have levelled off. The logarithm of the error is fitted
    by least squares: its scatter is about the same at all amounts.

    Args:
        sizes: Training texts of each run, shape (n_runs,).
        accuracies: In [0, 1], shape (n_runs,).
        level: Coverage of the interval.

    Returns:
        The gain of the power law that fits best, where any does, else of the curve that does; and the range
        over all curves that the runs do not tell from the best one. None where there are fewer than three
        amounts, or fewer than two runs beyond the numbers fitted.

    Source: the curves are those of Morgan, Mercer & Flodin (1975), which foresee more learning curves than
        others do (Mohr et al. 2022, LCDB 1.0; Viering & Loog 2022, section 4), with the power law of Cortes
        et al. (1993) as their limit; the range is that of the gain where the sum of squares is below F's
        bound (Bates & Watts 1988, section 6.1). It is wide on purpose: power laws alone hold the gain in
        almost no study whose curve levels off otherwise.
    """
    n, error = np.asarray(sizes, dtype=float), 1.0 - np.asarray(accuracies, dtype=float)
    amounts, group = np.unique(n, return_inverse=True)
    freedom = len(n) - min(_N_NUMBERS, len(amounts))
    if len(amounts) < MIN_AMOUNTS or freedom < 2:
        return None
    logs = np.log(np.maximum(error, _LEAST_ERROR))
    weight = np.bincount(group)
    means = np.bincount(group, logs) / weight
    within = float(((logs - means[group]) ** 2).sum())
    relative = amounts / amounts.max()
    residuals = means - np.log(np.stack([_shape(size) for size in relative], axis=1))
    scale = residuals @ weight / weight.sum()
    squares = within + ((residuals - scale[:, np.newaxis]) ** 2) @ weight
    gains = np.exp(scale) * (1.0 - _shape(2.0))
    bound = squares.min() * (1 + stats.f.ppf(level, 1, freedom) / freedom)
    is_among = squares <= bound
    is_law = _CURVES[2] == _MIDDLES[0]
    plainest = is_among & is_law
    chosen = np.flatnonzero(plainest if plainest.any() else is_among)
    best = chosen[squares[chosen].argmin()]
    return Gain(float(gains[best]), float(gains[is_among].min()), float(gains[is_among].max()))


_CURVES = tuple(grid.ravel() for grid in np.meshgrid(_FLOORS, _STEEPNESS, _MIDDLES, indexing="ij"))
"""All curves considered: the share of the error that stays, `a`, and `h` as a share of the largest amount."""


def _shape(size: float) -> NDArray[np.float64]:
    """The error of each of `_CURVES` at a share of the largest amount, as a share of the error there."""
    floor, steepness, middle = _CURVES
    fallen = (1 + (1 / middle) ** steepness) / (1 + (size / middle) ** steepness)
    return np.asarray(floor + (1 - floor) * fallen)
