"""Whether the best settings lie at an end of the space, which should then be widened."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.additive import MIN_FREEDOM
from analysis.statistics.comparisons.rules import correct_p_values
from analysis.statistics.intervals import Floats
from analysis.statistics.settings import parameter_columns, scored_runs
from search_spaces import Choice, Domain, Fixed, Integer, Real, Space, SpaceError

logger = logging.getLogger(__name__)

ALPHA = 0.05
"""Chance of any warning where no score rises towards an end."""

MIN_SHARE = 0.5
"""Share of the best settings that must lie at an end (as in Ax's check of its suggestions)."""

_EDGE = 0.1
_TOP = 0.1
_MIN_TOP = 5
_MIN_VALUES = 3
_LEAST_FREEDOM = 5
_ROUNDING = 1e-10
_COLUMNS = {
    "parameter": "object",
    "end": "object",
    "bound": "object",
    "n_top": "int64",
    "share_top": "float64",
    "share_tried": "float64",
    "share_expected": "float64",
    "slope": "float64",
    "p_value": "float64",
    "p_corrected": "float64",
    "can_widen": "bool",
    "widen": "bool",
}


def read_domains(space: Mapping[str, Any] | None) -> Mapping[str, Domain]:
    """Domain of each parameter of a space's document; none, with a warning, where it cannot be read.

    A report must come also of a study whose space was written by a later version.
    """
    if not space:
        return {}
    try:
        return Space.from_document(space).parameters
    except SpaceError as error:
        logger.warning("the space of the study could not be read, and is not used: %s", error)
        return {}


def check_boundaries(
    trials: pd.DataFrame, space: Mapping[str, Any] | None, score: str = "val_accuracy"
) -> pd.DataFrame:
    """Whether scores still rise towards an end of an ordered parameter, where many of the best settings lie.

    The best are the top tenth by mean score over completed runs of the search, at least five. An end is the
    outer tenth of a range (on its log scale, if it has one), or of a list of numbers or one that is ordered;
    at least its outermost value. Of fewer than three values, every one is an end, and none is looked at.

    That the best lie at an end proves little: a sampler that learns goes where the first good ones were, and
    of many ends some hold many of the best by chance. So a curve is fitted to the scores, bent once in each
    ordered parameter, and its slope outwards at the end is tested, with one error rate for all ends.

    Args:
        trials: The contract's table.
        space: The space's document.
        score: More is better.

    Returns:
        One row per parameter and end: `parameter, end` (`lower` or `upper`), `bound` (the space's value
        there), `n_top`, `share_top` (of the best settings at this end), `share_tried` (of all settings),
        `share_expected` (the end's part of the space), `slope` (of the fitted score at the end, outwards, per
        width of the space), `p_value` (one-sided, of no slope), `p_corrected` (Holm over the ends that can
        be widened), `can_widen` (false at 0, and at 1 for whole numbers, the natural ends of sizes and
        rates), `widen` (the advice: at least half of the best, a slope that is no accident, and room to go
        on). Empty without a readable space or with fewer than ten settings.

    Source: the check of the tuning playbook (Godbole et al., 2023); slopes by least squares with errors HC3
        (MacKinnon & White, 1985), corrected after Holm (1979).
    """
    runs = scored_runs(trials, score)
    scores = runs.groupby("setting")["score"].mean().sort_values(ascending=False, kind="stable")
    settings = runs.drop_duplicates("setting").set_index("setting").reindex(scores.index)
    known = {
        name: domain for name, domain in read_domains(space).items() if name in parameter_columns(trials)
    }
    places = {
        name: _places_of_all(domain, settings[name]) for name, domain in known.items() if _bounds(domain)
    }
    others = [_indicators(settings[name]) for name in known if name not in places]
    rows = []
    for name, place in places.items():
        is_known = np.isfinite(place)
        if isinstance(known[name], Fixed) or settings[name].notna().sum() < 2 * _MIN_TOP:
            continue
        n_top = max(_MIN_TOP, int(np.ceil(_TOP * settings[name].notna().sum())))
        own = settings[name].notna().to_numpy()
        is_top = own & (np.cumsum(own) <= n_top)
        rest = [values for other, values in places.items() if other != name]
        slope = _Slope.fit(scores.to_numpy(dtype=float), place, rest, others) if is_known.any() else None
        rows += _check_ends(name, known[name], place[own], is_top[own], slope)
    table = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in _COLUMNS.items()}
    )
    tested = table["p_value"].where(table["can_widen"])
    table["p_corrected"] = correct_p_values(tested)
    table["widen"] = (table["share_top"] >= MIN_SHARE) & (table["p_corrected"] <= ALPHA)
    return table


@dataclass(frozen=True, kw_only=True, eq=False)
class _Slope:
    """The fitted score along one parameter, bent once, all others held.

    Attributes:
        coefficients: Of the parameter and of its square, shape (2,).
        covariance: Theirs, shape (2, 2).
        freedom: Settings beyond the model's own numbers.
    """

    coefficients: Floats
    covariance: Floats
    freedom: int

    @classmethod
    def fit(cls, scores: Floats, place: Floats, rest: list[Floats], others: list[Floats]) -> _Slope | None:
        """Fit with all other parameters where there are settings enough for them, else alone."""
        known = np.isfinite(place)
        y, own = scores[known], _bent(place[known])
        beside = [_bent(np.where(np.isfinite(values), values, 0.5))[known] for values in rest]
        beside += [values[known] for values in others]
        one = np.ones((len(y), 1))
        for columns in (np.hstack([own, one, *beside]), np.hstack([own, one])):
            rank = int(np.linalg.matrix_rank(columns))
            if len(y) - rank >= MIN_FREEDOM:
                break
        else:
            if len(y) - rank < _LEAST_FREEDOM:
                return None
        inverse = np.linalg.pinv(columns)
        residuals = y - columns @ (inverse @ y)
        leverage = np.minimum((columns * inverse.T).sum(axis=1), 1 - _ROUNDING)
        covariance = (inverse * (residuals / (1 - leverage)) ** 2) @ inverse.T
        return cls(coefficients=(inverse @ y)[:2], covariance=covariance[:2, :2], freedom=len(y) - rank)

    def outwards(self, place: float, sign: int) -> tuple[float, float]:
        """Slope outwards at a place, and the one-sided p-value of its not rising."""
        weights = sign * np.array([1.0, 2 * (place - 0.5)])
        slope = float(weights @ self.coefficients)
        error = float(np.sqrt(max(weights @ self.covariance @ weights, 0.0)))
        if error <= _ROUNDING:
            return slope, 0.0 if slope > _ROUNDING else 1.0
        return slope, float(stats.t.sf(slope / error, self.freedom))


def _bent(place: Floats) -> Floats:
    """A place in [0, 1] and its square, around the middle; without the square where it took two values."""
    centred = place - 0.5
    square = centred**2 if len(np.unique(place)) > 2 else np.zeros(len(place))
    return np.column_stack([centred, square])


def _indicators(values: pd.Series[Any]) -> Floats:
    """A column of 0 and 1 for each value that has no order."""
    return np.asarray(pd.get_dummies(values.astype(str)).to_numpy(dtype=float))


def _check_ends(
    name: str, domain: Domain, place: Floats, is_top: NDArray[np.bool_], slope: _Slope | None
) -> list[dict[str, Any]]:
    bounds = _bounds(domain)
    assert bounds is not None
    lower, upper = _widths(domain)
    ends = (
        ("lower", bounds[0], place < lower, lower, lower / 2, -1),
        ("upper", bounds[1], place > 1 - upper, upper, 1 - upper / 2, 1),
    )
    rows = []
    for end, bound, at_end, share, middle, sign in ends:
        n_top, hits = int(is_top.sum()), int((at_end & is_top).sum())
        steepness, p_value = slope.outwards(middle, sign) if slope else (np.nan, np.nan)
        is_whole = type(bound) is int
        rows.append(
            {
                "parameter": name,
                "end": end,
                "bound": bound,
                "n_top": n_top,
                "share_top": hits / n_top,
                "share_tried": float(at_end.mean()),
                "share_expected": share,
                "slope": steepness,
                "p_value": p_value,
                "can_widen": not (bound == 0 or (is_whole and bound == 1 and end == "lower")),
                "widen": False,
            }
        )
    return rows


def _places_of_all(domain: Domain, values: pd.Series[Any]) -> Floats:
    """Where each setting lies between the ends, NaN where it has no value or one outside of the space."""
    places = np.full(len(values), np.nan)
    known = values.notna().to_numpy()
    places[known] = _places(domain, values[known])
    return places


def _bounds(domain: Domain) -> tuple[Any, Any] | None:
    """The two ends of a domain that has an order and three values or more, None for another."""
    if domain.size() < _MIN_VALUES:
        return None
    match domain:
        case Integer() | Real():
            return domain.low, domain.high
        case Choice():
            values = _in_order(domain)
            return (values[0], values[-1]) if values else None
        case _:
            return None


def _in_order(domain: Choice) -> list[Any]:
    """The choices from lowest to highest; none if they have no order."""
    values: list[Any] = list(domain.choices)
    if domain.ordered:
        return values
    is_numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return sorted(values) if is_numeric else []


def _widths(domain: Domain) -> tuple[float, float]:
    """Parts of the space that its two ends take: the outer tenths, or the outermost values if larger."""
    if isinstance(domain, Integer) and domain.log:
        return max(_EDGE, domain.to_unit(domain.low + 0.5)), max(_EDGE, 1 - domain.to_unit(domain.high - 0.5))
    if np.isinf(domain.size()):
        return _EDGE, _EDGE
    share = max(1, int(_EDGE * domain.size())) / domain.size()
    return share, share


def _places(domain: Domain, values: pd.Series[Any]) -> Floats:
    """Where each value lies between the ends, in [0, 1]; NaN for values that the space does not hold."""
    numbers = values.tolist()
    if isinstance(domain, Choice):
        order = _in_order(domain)
        ranks = {value: (rank + 0.5) / len(order) for rank, value in enumerate(order)}
        return np.array([ranks.get(value, np.nan) for value in numbers], dtype=float)
    assert isinstance(domain, Integer | Real)
    return np.array(
        [domain.to_unit(value) if domain.low <= value <= domain.high else np.nan for value in numbers],
        dtype=float,
    )
