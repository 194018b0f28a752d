"""What the columns of a table hold: figures that are numbers, epochs that count, one setting a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.imports.metrics import side_of, tells_kind
from analysis.values import is_number

_SCHEDULED = ("lr", "learning_rate")
"""Parameters that a schedule may change while a run goes on; the last part of a dotted name counts."""


def is_metric(name: str, column: pd.Series[Any], given: Collection[str]) -> bool:
    """Whether a column is one of a metric: by its name, or because the user says so.

    A name without a side may be a parameter's, too: a `loss` in words is the loss that was trained on.
    """
    if name in given:
        return True
    return tells_kind(name) and (side_of(name) is not None or bool(_find_numbers(column).notna().any()))


def read_figures(column: pd.Series[Any], where: str = "") -> pd.Series[float]:
    """Read a metric; an empty cell was not measured.

    Args:
        column: As it stands in the table.
        where: What an error begins with.

    Raises:
        AnalysisError: If a cell holds what is no number.
    """
    numbers = _find_numbers(column)
    wrong = np.flatnonzero(column.notna() & numbers.isna())
    if len(wrong):
        name, value = str(column.name), str(column.iloc[wrong[0]])
        some = numbers.notna().any()
        rule = f"a metric is a number: {name!r} has" if some else f"the column {name!r} holds no number, but"
        raise AnalysisError(
            f"{where}{rule} {value!r} in row {wrong[0] + 1} below the header; write a number, leave the cell "
            "empty, or rename the column"
        )
    return numbers


def _find_numbers(column: pd.Series[Any]) -> pd.Series[float]:
    """The numbers of a column, NaN where a cell holds none; a truth value is none."""
    if column.dtype.kind in "iuf":
        return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index, name=column.name)
    if column.dtype.kind not in "OUT":
        return pd.Series(np.nan, index=column.index, name=column.name)
    texts = column.map(lambda value: value if is_number(value) or isinstance(value, str) else str(value))
    return pd.to_numeric(texts, errors="coerce").astype(float)


def read_epochs(runs: pd.Series[Any], epochs: pd.Series[Any], where: str = "") -> pd.Series[float]:
    """Read what counts the rows of each run.

    Args:
        runs: Which run each row is of.
        epochs: Its epoch, or step.
        where: What an error begins with.

    Raises:
        AnalysisError: If a row names no run, an epoch is no whole number from 0 on, or a run has it twice.
    """
    unnamed = np.flatnonzero(runs.isna())
    if len(unnamed):
        raise AnalysisError(
            f"{where}each row is of a run: {str(runs.name)!r} is empty in row {unnamed[0] + 1} below the "
            "header; name the run, or remove the row"
        )
    numbers = _find_numbers(epochs)
    wrong = np.flatnonzero(~((numbers >= 0) & np.isfinite(numbers) & (numbers % 1 == 0)))
    if len(wrong):
        run, value = runs.iloc[wrong[0]], epochs.iloc[wrong[0]]
        raise AnalysisError(
            f"{where}{str(epochs.name)!r} counts in whole numbers from 0 on: run {str(run)!r} has "
            f"{_show(value)}; correct it, or number each run's rows"
        )
    twice = np.flatnonzero(pd.DataFrame({"run": runs, "epoch": numbers}).duplicated())
    if len(twice):
        run, value = runs.iloc[twice[0]], epochs.iloc[twice[0]]
        raise AnalysisError(
            f"{where}each run has each epoch once: run {str(run)!r} has {epochs.name} {_show(value)} twice; "
            "remove one of the two rows, or give each run a name of its own"
        )
    return numbers


def find_logged(runs: pd.Series[Any], columns: pd.DataFrame, where: str = "") -> list[str]:
    """Return the columns that hold figures by epoch, and no parameter; a parameter stays the same in a run.

    What changes in every run was logged by epoch. In a single run that cannot be told from a mistake, and
    numbers that are not whole get the benefit of the doubt.

    Args:
        runs: Which run each row is of; rows in the order of epochs.
        columns: Those that may be parameters.
        where: What an error begins with.

    Raises:
        AnalysisError: If a parameter changes in a run.
    """
    logged = []
    for name in map(str, columns):
        column = columns[name]
        hashable = as_hashable(column)
        seen = hashable.groupby(runs, sort=False).agg(["nunique", "count"])
        changes = seen["nunique"] > 1
        if not changes.any() or is_scheduled(name, column):
            continue
        if changes[seen["count"] > 1].all() and (changes.sum() > 1 or _is_fractional(column)):
            logged.append(name)
            continue
        run = changes.index[changes][0]
        own = (runs == run) & hashable.notna()
        first, then = column[own][~hashable[own].duplicated()].iloc[:2]
        raise AnalysisError(
            f"{where}a parameter stays the same in a run: run {str(run)!r} has {name} {_show(first)}, then "
            f"{_show(then)}; correct it, or remove the column"
        )
    return logged


def check_settings(runs: pd.Series[Any], columns: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse columns that are said to be parameters and change in a run, see `find_logged`."""
    logged = find_logged(runs, columns[list(names)])
    if logged:
        raise AnalysisError(
            f"a parameter stays the same in a run: {logged[0]!r} changes; leave it out of params"
        )


def as_hashable(column: pd.Series[Any]) -> pd.Series[Any]:
    """What tells the values of a column apart, also where they are lists."""
    return column.map(repr, na_action="ignore") if column.dtype == object else column


def is_scheduled(name: str, column: pd.Series[Any]) -> bool:
    """Whether a column is a learning rate, which is a parameter by its first value whatever becomes of it."""
    return name.rpartition(".")[2].rpartition("/")[2].lower() in _SCHEDULED and column.dtype.kind in "iuf"


def _is_fractional(column: pd.Series[Any]) -> bool:
    return column.dtype.kind == "f" and bool((column.dropna() % 1 != 0).any())


def _show(value: Any) -> str:
    """A cell as a reader knows it: a whole number that shares its column with others without its `.0`."""
    if is_number(value):
        return "none" if np.isnan(value) else f"{value:.15g}"
    return "none" if value is None or value is pd.NA else repr(str(value))
