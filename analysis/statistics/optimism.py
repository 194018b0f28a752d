"""What an accuracy is worth: the size of the split, and the luck of having been picked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.intervals import LEVEL, Floats
from analysis.statistics.settings import scored_runs, summarize_settings

_POINTS = 4001
_REACH = 9.0
_MIN_SETTINGS = 3
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
        Half-widths in [0, 1].

    Source: normal approximation to the binomial, z sqrt(p (1 - p) / n).
    """
    accuracy, n = np.broadcast_arrays(np.asarray(accuracy, dtype=float), np.asarray(n, dtype=float))
    variance = np.divide(accuracy * (1 - accuracy), n, out=np.full(n.shape, np.nan), where=n > 0)
    return np.asarray(stats.norm.ppf(0.5 + level / 2) * np.sqrt(variance))


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

    Two figures. `optimism` is what the empirical Bayes estimate takes off: v / (t + v) of the winner's
    distance from the mean of all settings, v the variance of its mean by replicates, t the variance between
    settings beyond that noise. It needs replicates and three settings, and knows nothing of the luck of the
    validation texts. `optimism_at_most` is the expected best of as many equal settings, each with
    independent noise of the size that the texts allow; scored on the same texts, settings share much of
    that noise, so the truth lies below.

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
        `val_minus_test`.

    Source: Efron & Morris (1975) for the estimate; Cawley & Talbot (2010) for why it matters.
    """
    settings = summarize_settings(trials, score, phase="search").dropna(subset="mean")
    if settings.empty:
        return pd.DataFrame(columns=_OPTIMISM_COLUMNS, dtype=float)
    means, n = settings["mean"].to_numpy(dtype=float), len(settings)
    winner = int(means.argmax())
    best = float(means[winner])
    noise_sd = pooled_sd(settings["sd"], settings["n_completed"])
    optimism = _noise_share(settings, winner, noise_sd) * (best - float(means.mean()))
    sampling_sd = binomial_half_width(best, n_validation, level) / stats.norm.ppf(0.5 + level / 2)
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
        "val_minus_test": best - tested,
    }
    return pd.DataFrame([row], columns=_OPTIMISM_COLUMNS)


def pooled_sd(sds: ArrayLike, sizes: ArrayLike) -> float:
    """Standard deviation within groups, pooled over groups of two or more, NaN if there is none."""
    sds, freedom = np.asarray(sds, dtype=float), np.asarray(sizes, dtype=float) - 1
    known = freedom > 0
    if not known.any():
        return float("nan")
    return float(np.sqrt(np.sum(freedom[known] * sds[known] ** 2) / freedom[known].sum()))


def _noise_share(settings: pd.DataFrame, winner: int, noise_sd: float) -> float:
    """Share of the winner's distance from the mean that is noise, in [0, 1]; NaN where it cannot be known."""
    if len(settings) == 1:
        return 0.0
    if len(settings) < _MIN_SETTINGS or np.isnan(noise_sd):
        return float("nan")
    noise = noise_sd**2 / settings["n_completed"].to_numpy(dtype=float)
    between = max(0.0, float(settings["mean"].var()) - float(noise.mean()))
    total = between + float(noise[winner])
    return float(noise[winner]) / total if total > 0 else 0.0
