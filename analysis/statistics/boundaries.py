"""Whether the best settings lie at an end of the space, which should then be widened."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.settings import parameter_columns, scored_runs
from search_spaces import Choice, Domain, Fixed, Integer, Real, Space, SpaceError

logger = logging.getLogger(__name__)

ALPHA = 0.05
"""Chance of a warning at one end of one parameter where the best settings lie anywhere."""

MIN_SHARE = 0.5
"""Share of the best settings that must lie at an end (as in Ax's check of its suggestions)."""

_EDGE = 0.1
_TOP = 0.1
_MIN_TOP = 5
_MIN_VALUES = 3
_COLUMNS = {
    "parameter": "object",
    "end": "object",
    "bound": "object",
    "n_top": "int64",
    "share_top": "float64",
    "share_tried": "float64",
    "share_expected": "float64",
    "p_value": "float64",
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
    """How many of the best settings lie at each end of each ordered parameter.

    The best are the top tenth by mean score over completed runs, at least five. An end is the outer tenth of
    a range (on its log scale, if it has one), or of a list of numbers or one that is ordered; at least its
    outermost value. Of fewer than three values, every one is an end, and none is looked at.

    Args:
        trials: The contract's table.
        space: The space's document.
        score: More is better.

    Returns:
        One row per parameter and end: `parameter, end` (`lower` or `upper`), `bound` (the space's value
        there), `n_top`, `share_top` (of the best settings at this end), `share_tried` (of all settings),
        `share_expected` (the end's part of the space), `p_value` (one-sided binomial: as many of the best as
        this, if they lay anywhere), `can_widen` (false at 0, and at 1 for whole numbers, the natural ends
        of sizes and rates), `widen` (the advice: at least half of the best, no accident, and room to
        go on). Empty without a readable space or with fewer than ten settings.

    Source: the check of the tuning playbook (Godbole et al., 2023), with a test so that short lists do not
        cry wolf.
    """
    runs = scored_runs(trials, score)
    scores = runs.groupby("setting")["score"].mean().sort_values(ascending=False, kind="stable")
    settings = runs.drop_duplicates("setting").set_index("setting")
    rows = []
    for name, domain in read_domains(space).items():
        values = settings[name].dropna() if name in parameter_columns(trials) else pd.Series(dtype=object)
        if isinstance(domain, Fixed) or len(values) < 2 * _MIN_TOP:
            continue
        place = _places(domain, values)
        own = scores.reindex(values.index).sort_values(ascending=False, kind="stable")
        n_top = max(_MIN_TOP, int(np.ceil(_TOP * len(own))))
        is_top = values.index.isin(own.index[:n_top])
        rows += _check_ends(name, domain, place, is_top)
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in _COLUMNS.items()}
    )


def _check_ends(
    name: str, domain: Domain, place: NDArray[np.float64], is_top: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    bounds = _bounds(domain)
    if bounds is None:
        return []
    lower, upper = _widths(domain)
    ends = (("lower", bounds[0], place < lower, lower), ("upper", bounds[1], place > 1 - upper, upper))
    rows = []
    for end, bound, at_end, share in ends:
        n_top, hits = int(is_top.sum()), int((at_end & is_top).sum())
        p_value = float(stats.binom.sf(hits - 1, n_top, share))
        is_whole = type(bound) is int
        can_widen = not (bound == 0 or (is_whole and bound == 1 and end == "lower"))
        rows.append(
            {
                "parameter": name,
                "end": end,
                "bound": bound,
                "n_top": n_top,
                "share_top": hits / n_top,
                "share_tried": float(at_end.mean()),
                "share_expected": share,
                "p_value": p_value,
                "can_widen": can_widen,
                "widen": can_widen and hits / n_top >= MIN_SHARE and p_value <= ALPHA,
            }
        )
    return rows


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


def _places(domain: Domain, values: pd.Series[Any]) -> NDArray[np.float64]:
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
