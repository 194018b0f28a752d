"""What an accuracy is worth: the size of the split, and the luck of having been picked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.intervals import LEVEL, Floats, t_half_width, wilson_interval
from analysis.statistics.settings import scored_runs, summarize_settings

_POINTS = 4001
_REACH = 9.0
_OPTIMISM_COLUMNS = [
    "setting",
    "n_settings",
    "n_replicates",
    "best",
    "half_width",
    "replicate_sd",
    "optimism",
    "optimism_at_most",
    "shrunken",
    "confirmed",
    "n_confirmed",
    "test_accuracy",
    "val_minus_test",
]


def binomial_half_width(accuracy: ArrayLike, n: ArrayLike, level: float = LEVEL) -> Floats:
    """Half-width of the interval that `n` texts allow around an accuracy.

    It holds for one model that the texts did not choose; differences between models that read the same
    texts are known better than this.

    Args:
        accuracy: In [0, 1], any shape.
        n: Number of texts judged, NaN where 0.
        level: Coverage.

    Returns:
        Half-widths in [0, 1]: the distance to the farther end of Wilson's interval, so that all of a few
        texts right is no certainty.

    Source: Wilson (1927); for many texts it comes to z sqrt(p (1 - p) / n).
    """
    accuracy, n = np.broadcast_arrays(np.asarray(accuracy, dtype=float), np.asarray(n, dtype=float))
    low, high = wilson_interval(accuracy * n, n, level)
    return np.asarray(np.maximum(accuracy - low, high - accuracy))


def accuracy_half_width(
    mean: ArrayLike, sd: ArrayLike, n_runs: ArrayLike, n_texts: ArrayLike, level: float = LEVEL
) -> Floats:
    """Half-width of the interval of a mean accuracy for other seeds and other texts.

    Args:
        mean: Over runs, in [0, 1], any shape.
        sd: Between the runs. A single run borrows the spread pooled over the others of the array; where there
            is none, what one run cannot show is left out.
        n_runs: Runs behind each mean.
        n_texts: Texts that all were judged on.
        level: Coverage.

    Source: the root of the sum of squares of Student's half-width over seeds and Wilson's over texts, which
        is a little wide, for runs differ by their luck with the texts too.
    """
    sds, sizes = np.broadcast_arrays(np.asarray(sd, dtype=float), np.asarray(n_runs, dtype=float))
    freedom = float(np.clip(sizes - 1, 0, None).sum())
    borrowed = float(stats.t.ppf(0.5 + level / 2, freedom)) * pooled_sd(sds, sizes) if freedom else 0.0
    seeds = np.where(sizes >= 2, t_half_width(sds, sizes, level), borrowed)
    return np.asarray(np.hypot(seeds, binomial_half_width(mean, n_texts, level)))


def expected_maximum_of_normals(n: int) -> float:
    """Expected maximum of `n` independent standard normal numbers, NaN for none.

    Source: David & Nagaraja (2003), Order Statistics, section 3.1: the integral of x n phi(x) Phi(x)^(n-1).
    """
    if n < 1:
        return float("nan")
    x = np.linspace(-_REACH, _REACH, _POINTS)
    density = np.exp(np.log(n) + stats.norm.logpdf(x) + (n - 1) * stats.norm.logcdf(x))
    return float(np.trapezoid(x * density, x))


def selection_optimism(
    trials: pd.DataFrame, n_validation: int, score: str = "val_accuracy", *, level: float = LEVEL
) -> pd.DataFrame:
    """How much of the winner's accuracy is the luck of having been picked out of many.

    Two figures. `optimism` is measured: the winner is picked by all seeds but one and judged by that one, in
    turn, and what it loses is scaled to all seeds. It needs two seeds or more. `optimism_at_most` is the
    expected best of as many equal settings, each with independent noise of the size that the texts allow;
    scored on the same texts, settings share much of that noise, so the truth lies below.

    Only completed runs of the search count; runs of the confirmation were not picked from, and
    `confirmed` is their mean where there are some: the measured answer.

    Args:
        trials: The contract's table.
        n_validation: Texts that every score was measured on.
        score: An accuracy in [0, 1].
        level: Coverage of `half_width`.

    Returns:
        One row, none if nothing completed: `setting` (the winner by mean score), `n_settings` (picked from),
        `n_replicates` (of the winner), `best` (its mean), `half_width` (binomial), `replicate_sd` (pooled
        within settings, NaN without replicates), `optimism, optimism_at_most, shrunken` (best - optimism),
        `confirmed, n_confirmed, test_accuracy` (mean over the winner's runs, NaN if sealed),
        `val_minus_test` (confirmed, or best where nothing was, - test).

    Source: leave-one-out selection, as in the nested validation of Cawley & Talbot (2010). Noise in the best
        of n means falls with the root of the seeds behind them, hence the scale.
    """
    settings = summarize_settings(trials, score, phase="search").dropna(subset="mean")
    if settings.empty:
        return pd.DataFrame(columns=_OPTIMISM_COLUMNS, dtype=float)
    means, n = settings["mean"].to_numpy(dtype=float), len(settings)
    winner = int(means.argmax())
    best = float(means[winner])
    noise_sd = pooled_sd(settings["sd"], settings["n_completed"])
    optimism = _lose_by_seed(scored_runs(trials, score))
    sampling_sd = np.sqrt(best * (1 - best) / n_validation) if n_validation else np.nan
    setting = int(settings["setting"].iloc[winner])
    runs = scored_runs(trials, score, phase="any")
    own = runs[runs["setting"] == setting]
    confirmed = own.loc[own["phase"] == "confirm", "score"]
    tested = pd.to_numeric(own["test_accuracy"]).mean()
    row = {
        "setting": setting,
        "n_settings": n,
        "n_replicates": int(settings["n_completed"].iloc[winner]),
        "best": best,
        "half_width": float(binomial_half_width(best, n_validation, level)),
        "replicate_sd": noise_sd,
        "optimism": optimism,
        "optimism_at_most": expected_maximum_of_normals(n) * float(sampling_sd),
        "shrunken": best - optimism,
        "confirmed": confirmed.mean(),
        "n_confirmed": len(confirmed),
        "test_accuracy": tested,
        # Of the same runs: the search's figure is that of the runs that chose.
        "val_minus_test": (confirmed.mean() if len(confirmed) else best) - tested,
    }
    return pd.DataFrame([row], columns=_OPTIMISM_COLUMNS)


def pooled_sd(sds: ArrayLike, sizes: ArrayLike) -> float:
    """Standard deviation within groups, pooled over groups of two or more, NaN if there is none."""
    sds, freedom = np.asarray(sds, dtype=float), np.asarray(sizes, dtype=float) - 1
    known = freedom > 0
    if not known.any():
        return float("nan")
    return float(np.sqrt(np.sum(freedom[known] * sds[known] ** 2) / freedom[known].sum()))


def _lose_by_seed(runs: pd.DataFrame) -> float:
    """What the best by all replicates but one loses on that one, scaled to all; NaN for single runs."""
    turn = runs.groupby("setting").cumcount()
    if runs["seed"].nunique() * 2 <= len(runs):
        turn = pd.Series(pd.factorize(runs["seed"])[0], index=runs.index)
    wide = runs.assign(turn=turn).pivot_table(index="setting", columns="turn", values="score")
    wide = wide[wide.notna().sum(axis=1) >= 2]
    if len(wide) < 2:
        return 0.0 if runs["setting"].nunique() == 1 else float("nan")
    scores = wide.to_numpy(dtype=float)
    n = scores.shape[1]
    losses = []
    for left_out in range(n):
        others = np.delete(scores, left_out, axis=1)
        judged = scores[:, left_out]
        kept = np.isfinite(judged) & np.isfinite(others).any(axis=1)
        if kept.sum() >= 2:
            means = np.nanmean(others[kept], axis=1)
            # Seeds that lift all settings alike are no luck of the winner.
            lift = float(means.mean() - judged[kept].mean())
            winner = int(means.argmax())
            losses.append(float(means[winner] - judged[kept][winner]) - lift)
    return max(float(np.mean(losses)) * np.sqrt((n - 1) / n), 0.0) if losses else float("nan")
