"""An additive model of scores: each level of each factor adds its own amount, whatever the others are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analysis.statistics.intervals import Floats  # whose module loads scipy's distributions

MIN_FREEDOM = 10
"""Settings that must be left beyond the model's own numbers, or it says nothing."""

_ROUNDING = 1e-8


@dataclass(frozen=True, kw_only=True, eq=False)
class AdditiveFit:
    """Least squares, with errors that allow noise to differ from setting to setting.

    Attributes:
        levels: Level of each setting by factor: categoricals, missing where a parameter is not set.
        columns: Column of the design by (factor, level).
        design: 1 and a column of 0 and 1 per level, shape (n_settings, n_columns); of lesser rank.
        inverse: Its pseudo-inverse, shape (n_columns, n_settings).
        coefficients: Shape (n_columns,); only estimable sums of them mean anything.
        residuals: Shape (n_settings,).
        covariance: HC3 (MacKinnon & White, 1985), shape (n_columns, n_columns).
        freedom: Settings minus rank.
        settings: Label of each setting, shape (n_settings,).
        spaces: What the data determine, by the factor that is left out; filled when asked for.
    """

    levels: Mapping[str, pd.Series[Any]]
    columns: Mapping[tuple[str, Any], int]
    design: Floats
    inverse: Floats
    coefficients: Floats
    residuals: Floats
    covariance: Floats
    freedom: int
    settings: NDArray[Any]
    spaces: dict[str | None, Floats] = field(default_factory=dict)

    def margin(self, factor: str, level: Any) -> Floats:
        """Weights of the coefficients in the mean prediction for all settings, moved to one level."""
        weights: Floats = self.design.sum(axis=0) / max(len(self.design), 1)
        for (name, _), column in self.columns.items():
            if name == factor:
                weights[column] = 0.0
        weights[self.columns[factor, level]] = 1.0
        return weights

    def can_estimate(self, weights: Floats) -> bool:
        """Whether the data determine a sum of coefficients, with enough left to know its error."""
        return self.freedom >= MIN_FREEDOM and self.determines(weights)

    def determines(self, weights: Floats, without: str | None = None) -> bool:
        """Whether the data determine a sum of coefficients: nothing else goes always together with it.

        Args:
            weights: Of the coefficients, shape (n_columns,).
            without: A factor to leave out of the model, as if nobody knew of it; `weights` holds none of it.
        """
        kept = [0, *(column for (name, _), column in self.columns.items() if name != without)]
        if without not in self.spaces:
            _, self.spaces[without] = _decompose(self.design[:, kept])
        vectors = self.spaces[without]
        reproduced = (weights[kept] @ vectors) @ vectors.T
        return bool(np.abs(reproduced - weights[kept]).max() < _ROUNDING)

    def estimate(self, weights: Floats) -> tuple[float, float]:
        """A sum of coefficients and its standard error."""
        variance = float(weights @ self.covariance @ weights)
        return float(weights @ self.coefficients), float(np.sqrt(max(variance, 0.0)))

    def is_at(self, factor: str, level: Any) -> NDArray[np.bool_]:
        """Which settings are at a level, shape (n_settings,)."""
        return np.asarray(self.design[:, self.columns[factor, level]] == 1)


def fit_additive(scores: pd.Series[float], levels: Mapping[str, pd.Series[Any]]) -> AdditiveFit:
    """Fit the model to one score per setting.

    Args:
        scores: Finite, shape (n_settings,).
        levels: By factor, a categorical with the index of `scores`.
    """
    columns: dict[tuple[str, Any], int] = {}
    blocks: list[Floats] = [np.ones((len(scores), 1))]
    for factor, values in levels.items():
        for level in values.cat.categories:
            columns[factor, level] = len(columns) + 1
        codes = np.arange(len(values.cat.categories))
        blocks.append((values.cat.codes.to_numpy()[:, None] == codes).astype(float))
    design = np.hstack(blocks)
    sizes, vectors = _decompose(design)
    inverse = (vectors / sizes) @ (vectors.T @ design.T)
    y = scores.to_numpy(dtype=float)
    coefficients = inverse @ y
    residuals = y - design @ coefficients
    leverage = (design * inverse.T).sum(axis=1)
    # A setting that alone determines a coefficient has leverage 1 and residual 0: it tells nothing of noise.
    scaled = np.divide(residuals, 1 - leverage, out=np.zeros(len(y)), where=leverage < 1 - _ROUNDING)
    return AdditiveFit(
        levels=levels,
        columns=columns,
        design=design,
        inverse=inverse,
        coefficients=coefficients,
        residuals=residuals,
        covariance=(inverse * scaled**2) @ inverse.T,
        freedom=len(scores) - len(sizes),
        settings=scores.index.to_numpy(),
    )


def _decompose(design: Floats) -> tuple[Floats, Floats]:
    """Squares of a design's singular values, shape (rank,), and what they belong to, (n_columns, rank)."""
    # By the small matrix of counts, not by the design itself, which costs half a second for 1,000 settings.
    sizes, vectors = np.linalg.eigh(design.T @ design)
    is_held = sizes > _ROUNDING * max(len(design), 1)
    return sizes[is_held], vectors[:, is_held]
