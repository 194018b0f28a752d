"""A table of epochs as a study, for whoever has figures and no tool that is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.imports.assembly import Naming, check_naming, make_study
from analysis.imports.columns import as_hashable, check_settings, is_metric, read_epochs, read_figures
from analysis.imports.metrics import tells_kind
from analysis.imports.runs import ForeignRun, Source
from analysis.records.loading import Study
from analysis.values import is_missing, is_number
from analysis.words.numbers import listing


def from_frame(
    epochs: pd.DataFrame,
    params: pd.DataFrame | Sequence[str] | None = None,
    *,
    run: str = "run",
    epoch: str = "epoch",
    name: str = "runs",
    **naming: Unpack[Naming],
) -> Study:
    """Make a study of a table, for reports and figures on runs of any model.

        study = analysis.from_frame(epochs, params, metrics={"val_loss": "loss/val"})
        analysis.write_report(study, Path("report"))

    Args:
        epochs: One row a run and epoch, with metrics in numeric columns.
        params: One row a run, by its index or a column named as `run`; or the columns of `epochs` that are
            parameters; None where the columns that are the same in all of a run's epochs, and no metric of
            whose name is known, are.
        run: The column that tells runs apart.
        epoch: The column that counts epochs, or steps.
        name: Of the study.
        naming: What `make_study` takes: `metrics`, `seed`, `objective`, `percent`, `n_validation`.

    Raises:
        AnalysisError: If a column is missing or holds what it cannot, an epoch is there twice or nothing was
            measured.
    """
    check_naming(naming)
    _check_kinds(epochs, params)
    epochs = epochs.rename(columns=str)
    _check_columns(epochs, (run, epoch))
    given = naming.get("metrics", {}).values()
    said = () if params is None or isinstance(params, pd.DataFrame) else params
    metrics = [c for c in map(str, epochs) if c not in (run, epoch) and is_metric(c, epochs[c], given)]
    figures = {c: read_figures(epochs[c]) for c in metrics if c not in said}
    epochs = epochs.assign(**figures, **{epoch: read_epochs(epochs[run], epochs[epoch])})
    settings, measured = _split_columns(epochs, params, run, epoch)
    runs = []
    for key, rows in epochs.sort_values(epoch, kind="stable").groupby(run, sort=False):
        columns = {column: rows[column].to_numpy(dtype=float) for column in measured}
        steps = rows[epoch].to_numpy(dtype=float)
        runs.append(ForeignRun(name=str(key), params=settings.get(key, {}), steps=steps, metrics=columns))
    order = {key: index for index, key in enumerate(epochs[run].drop_duplicates().astype(str))}
    runs.sort(key=lambda one: order[one.name])
    return make_study(Source(tool="a table", name=name, runs=runs), name=name, **naming)


def _check_kinds(epochs: Any, params: Any) -> None:
    """Refuse what is no table, and a table that has two columns of one name."""
    for name, table in (("epochs", epochs), ("params", params)):
        if name == "epochs" and not isinstance(table, pd.DataFrame):
            raise AnalysisError(f"epochs is a pandas DataFrame, no {type(table).__name__}: make it one first")
        if isinstance(table, str):
            raise AnalysisError(f"params is a list of columns, or a table: write [{table!r}]")
        if isinstance(table, pd.DataFrame):
            twice = table.columns[table.columns.map(str).duplicated()]
            if len(twice):
                raise AnalysisError(
                    f"{name} has two columns {str(twice[0])!r}: rename one, or leave it out, as in "
                    "frame.loc[:, ~frame.columns.duplicated()]"
                )


def _check_columns(frame: pd.DataFrame, needed: Sequence[str]) -> None:
    missing = [column for column in needed if column not in frame]
    if missing:
        raise AnalysisError(
            f"a table of epochs needs the column {missing[0]!r}: it has {listing(list(map(str, frame)), 12)}"
        )


def _split_columns(
    epochs: pd.DataFrame, params: pd.DataFrame | Sequence[str] | None, run: str, epoch: str
) -> tuple[dict[Any, dict[str, Any]], list[str]]:
    """The parameters of each run, and the columns that are metrics."""
    rest = [column for column in map(str, epochs) if column not in (run, epoch)]
    if isinstance(params, pd.DataFrame):
        by_run = params.set_index(run) if run in params else params
        if by_run.index.has_duplicates:
            twice = by_run.index[by_run.index.duplicated()][0]
            raise AnalysisError(f"each run has one row of parameters: {run} {twice!r} has two")
        _check_runs(by_run.index, epochs[run])
        return _as_settings(by_run), [c for c in rest if pd.api.types.is_numeric_dtype(epochs[c])]
    if params is None:
        constant = epochs[rest].apply(as_hashable).groupby(epochs[run])[rest].nunique(dropna=False).max() <= 1
        names = [c for c in rest if constant[c] and not tells_kind(str(c))]
    else:
        names = list(params)
        _check_columns(epochs, names)
        check_settings(epochs[run], epochs.sort_values(epoch, kind="stable"), names)
    first = epochs.drop_duplicates(run).set_index(run)[names]
    numeric = [c for c in rest if c not in names and pd.api.types.is_numeric_dtype(epochs[c])]
    return _as_settings(first), numeric


def _check_runs(known: pd.Index[Any], runs: pd.Series[Any]) -> None:
    """Refuse parameters of a run that there is not, and a run without any."""
    strange = known[~known.isin(runs)]
    bare = runs[~runs.isin(known)]
    if len(strange):
        raise AnalysisError(
            f"params have a row for run {strange[0]!r}, of which there is no epoch; the first run is "
            f"{runs.iloc[0]!r}: give a column {str(runs.name)!r}, or runs as the index"
        )
    if len(bare):
        raise AnalysisError(f"params lack a row for run {bare.iloc[0]!r}: add it, or leave the run out")


def _as_settings(frame: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    return {
        key: {str(name): as_plain(value) for name, value in row.items() if not is_missing(value)}
        for key, row in frame.to_dict("index").items()
    }


def as_plain(value: Any) -> Any:
    """A parameter as JSON has it: NumPy's scalars as Python's, a whole float of a table as it was written."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping | list | tuple | str | bool) or is_number(value):
        return value
    return str(value)
