"""A study's records as tables, from a study directory or from its derived files alone."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.records.amounts import read_lines_by_amount
from analysis.records.checks import check_epochs, check_trials
from analysis.records.database import DamagedRecordsError, Records, parse_params, read_records
from analysis.records.files import TRIALS_FILE, Tables, read_parquet
from analysis.records.gradients import read_gradients
from analysis.records.lines import LineAnswers
from analysis.records.paths import AnyPath, as_path
from analysis.records.plain import check_plain
from analysis.records.predictions import Predictions, RunKey
from analysis.records.schema import (
    EPOCH_COLUMNS,
    EPOCH_METRICS,
    FURTHER_METRICS,
    RUN_KEY,
    TRIAL_COLUMNS,
    State,
    StudyFacts,
)
from analysis.records.texts import Texts
from analysis.records.times import add_times
from analysis.records.upgrade import columns_of_schema
from analysis.words.numbers import count, listing

logger = logging.getLogger(__name__)

DATABASE_FILE = "records.db"
MANIFEST_FILE = "manifest.json"
_MAX_MANIFEST_BYTES = 16 * 2**20
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Study(Tables):
    """One study as it was recorded, last attempts only; equal to itself alone.

    Attributes beside those of its tables:
        path: Where it was read from.
        parameters: The parameters' columns in `trials`, in the order in which the space gave them.
        predictions: Validation probabilities by (trial, phase, replicate), where they were kept.
        labels: The true classes that `predictions` are judged by, if kept.
        line_answers: What the lines to beat take each text for, by split and name, where it was kept.
        texts: What is kept of the texts that were predicted.
        lines_by_amount: Lines to beat on fewer training texts, as `AmountLine` has them; empty unless several
            amounts were tried.
        gradients: Norms of the loss's gradient by step back in time, `GRADIENT_COLUMNS`; empty unless asked
            for.
        manifest: What the study ran on, empty if the file is not there.
        notes: What could not be read, one sentence each; a report repeats them.
    """

    path: Path
    parameters: tuple[str, ...]
    predictions: Mapping[RunKey, NDArray[np.float32]]
    labels: NDArray[np.uint16] | None
    gradients: pd.DataFrame
    line_answers: Mapping[str, LineAnswers] = field(default_factory=dict)
    texts: Texts = field(default_factory=Texts)
    lines_by_amount: pd.DataFrame = field(default_factory=lambda: read_lines_by_amount(None))
    manifest: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The study's name."""
        return self.facts.name

    @property
    def spec(self) -> dict[str, Any]:
        """All that was asked, as in study.yaml."""
        return self.facts.spec

    def __repr__(self) -> str:
        return f"<Study {self.name}: {self._count_runs()}; {self._say_best()}>"

    def _repr_html_(self) -> str:
        from analysis.words.html import write_card

        facts = self.facts
        own = [
            ("texts", f"{facts.source}: {facts.n_train:,} to train on, {facts.n_validation:,} to validate"),
            ("classes", f"{len(facts.classes):,}: {listing(facts.classes)}"),
            ("design", facts.design),
        ]
        rows = [
            *([("runs of", f"{facts.made_by}: {facts.source}")] if facts.made_by else own),
            ("runs", self._count_runs()),
            ("best", self._say_best()),
            ("read from", str(self.path)),
        ]
        return write_card(self.name, rows, self.notes)

    def _count_runs(self) -> str:
        """The replicates in all, and how many of them ended in which way."""
        states = self.trials["state"].value_counts()
        ends = ", ".join(f"{states[state]:,} {state}" for state in get_args(State) if state in states)
        return f"{count(len(self.trials), 'run')} ({ends})" if ends else "no runs"

    def _say_best(self) -> str:
        """The best objective of a run of the search that was trained to its end."""
        is_final = (self.trials["state"] == "completed") & (self.trials["phase"] == "search")
        scores = self.trials.loc[is_final, self.facts.objective].dropna()
        if scores.empty:
            return "no run completed"
        best = scores.max() if self.facts.maximizes else scores.min()
        return f"best {self.facts.objective} {best:.4f}"


def as_study(given: Study | AnyPath) -> Study:
    """A study, read first where the path of one is given, or what stands for it as a result does.

    Raises:
        AnalysisError: As `load`; or if it is neither.
    """
    if isinstance(given, Study):
        return given
    if isinstance(given, str | os.PathLike):
        return load(given)
    raise AnalysisError(
        f"a study is what analysis.load gave, or its directory: {type(given).__name__} is neither; load it"
    )


def load(path: AnyPath) -> Study:
    """Read a study: its directory, its `records.db`, or a folder with the two derived tables.

    Opens databases read-only, also while the study runs; executes nothing that a file holds.

    Raises:
        AnalysisError: If there is no study, or its records are damaged or cannot be true.
    """
    path = as_path(path)
    if path.is_dir():
        return _load_directory(path)
    if path.suffix == ".parquet" and path.is_file():
        return _load_tables(path.parent, ())
    if path.is_file() and (path.name == DATABASE_FILE or _is_database(path)):
        return _load_database(path)
    check_plain(path.parent)
    raise AnalysisError(f"{path}: no such study: give its directory, its {DATABASE_FILE} or {TRIALS_FILE}")


def _is_database(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE)) == _SQLITE


def _load_directory(folder: Path) -> Study:
    check_plain(folder)
    database = folder / DATABASE_FILE
    has_tables = (folder / TRIALS_FILE).is_file()
    if database.is_file():
        try:
            return _load_database(database)
        except DamagedRecordsError as error:
            if not has_tables:
                raise
            logger.warning("%s; reading the derived tables instead", error)
            note = (
                f"{DATABASE_FILE} is damaged. This report is drawn from the derived tables, which may lag "
                "behind it and hold no predictions."
            )
            return _load_tables(folder, (note,))
    if has_tables:
        return _load_tables(folder, ())
    raise AnalysisError(
        f"{folder}: holds neither {DATABASE_FILE} nor {TRIALS_FILE}: give the directory of a study"
    )


def _load_database(path: Path) -> Study:
    records = read_records(path)
    facts = records.facts
    predictions = Predictions(path, facts.n_validation, len(facts.classes))
    try:
        tables = _derive_tables(records, path)
    except AnalysisError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        first = str(error).splitlines()[0]
        raise DamagedRecordsError(
            f"{path}: a column holds what it cannot hold ({first}): restore the file from a copy"
        ) from error
    study = _assemble(path, tables, records.labels, predictions, read_gradients(path), ())
    return replace(
        study,
        texts=Texts(path, facts.n_validation),
        line_answers=records.line_answers,
        lines_by_amount=read_lines_by_amount(path),
    )


def assemble(records: Records, path: Path, notes: tuple[str, ...]) -> Study:
    """Make a study of records that no database holds; columns that they lack are missing.

    Raises:
        AnalysisError: If the records cannot be true.
    """
    columns = columns_of_schema()
    attempts = records.attempts.reindex(columns=[*columns["attempts"]]).astype("object")
    whole = replace(
        records,
        attempts=attempts.where(attempts.notna(), None),
        epochs=records.epochs.reindex(columns=[*columns["epochs"]]),
    )
    tables = _derive_tables(whole, path)
    check_trials(tables.trials, tables.facts, path)
    check_epochs(tables.epochs, tables.trials, path)
    return Study(
        path=path,
        facts=tables.facts,
        trials=tables.trials,
        epochs=tables.epochs,
        parameters=_list_parameters(tables.trials),
        predictions=Predictions(None, 0, 2),
        labels=None,
        baselines=tables.baselines,
        gradients=read_gradients(None),
        notes=notes,
    )


def _derive_tables(records: Records, path: Path) -> Tables:
    """The documented tables of the records, parameters spread out, best and last epochs summarized."""
    params = parse_params(records.attempts["params"], str(path))
    taken = {*TRIAL_COLUMNS, "setting", "score"}
    # A space may call a parameter as we call a column: the record's meaning goes first.
    params = params.rename(columns={name: f"{name} (parameter)" for name in params.columns if name in taken})
    epochs = _typed_epochs(records.epochs)
    attempts = records.attempts.drop(columns="params")
    trials = add_times(attempts.join(_summaries(epochs, records.facts), on=list(RUN_KEY)), epochs)
    return Tables(
        facts=records.facts,
        trials=pd.concat([_typed_trials(trials), params], axis=1),
        epochs=epochs,
        baselines=records.baselines,
    )


def _load_tables(folder: Path, notes: tuple[str, ...]) -> Study:
    tables = read_parquet(folder)
    notes = (*notes, *tables.facts.remarks)
    predictions = Predictions(None, 0, 2)
    return _assemble(folder / TRIALS_FILE, tables, None, predictions, read_gradients(None), notes)


def _assemble(
    path: Path,
    tables: Tables,
    labels: NDArray[np.uint16] | None,
    predictions: Predictions,
    gradients: pd.DataFrame,
    notes: tuple[str, ...],
) -> Study:
    check_trials(tables.trials, tables.facts, path)
    check_epochs(tables.epochs, tables.trials, path)
    manifest, complaint = _read_manifest(path.parent / MANIFEST_FILE)
    return Study(
        path=path,
        facts=tables.facts,
        trials=tables.trials,
        epochs=tables.epochs,
        parameters=_list_parameters(tables.trials),
        predictions=predictions,
        labels=labels,
        baselines=tables.baselines,
        gradients=gradients,
        manifest=manifest,
        notes=(*notes, *(() if tables.facts.made_by else complaint)),
    )


def _list_parameters(trials: pd.DataFrame) -> tuple[str, ...]:
    return tuple(name for name in trials.columns if name not in TRIAL_COLUMNS)


def _typed_epochs(epochs: pd.DataFrame) -> pd.DataFrame:
    metrics = [*EPOCH_METRICS, *FURTHER_METRICS]
    floats = [*metrics, "learning_rate", "epoch_s"]
    typed = epochs.astype({**dict.fromkeys(floats, "float64"), "trial": "int64", "replicate": "int64"})
    typed[metrics] = typed[metrics].replace([np.inf, -np.inf], np.nan)
    return typed.astype({"epoch": "int64", "phase": "object"})[list(EPOCH_COLUMNS)]


def _typed_trials(trials: pd.DataFrame) -> pd.DataFrame:
    texts = ("phase", "state", "cells", "started_at", "node", "reason")
    kinds = {name: "object" if name in texts else "float64" for name in TRIAL_COLUMNS}
    typed = trials.assign(epochs_run=trials["epochs_run"].fillna(0)).astype(kinds)[list(TRIAL_COLUMNS)]
    whole = ("trial", "replicate", "attempt", "epochs_run", "best_epoch", "n_weights")
    complete = [name for name in whole if typed[name].notna().all()]
    # Seeds may use all 63 bits: they never pass through a float.
    return typed.assign(seed=trials["seed"].astype("int64")).astype(dict.fromkeys(complete, "int64"))


def _summaries(epochs: pd.DataFrame, facts: StudyFacts) -> pd.DataFrame:
    """Best and last epoch of each replicate, indexed by (trial, phase, replicate).

    Best is the earliest epoch with the best objective; an epoch without one is never best.
    """
    keys, metrics = list(RUN_KEY), [*EPOCH_METRICS, *FURTHER_METRICS]
    grouped = epochs.groupby(keys)
    last = epochs.loc[grouped["epoch"].idxmax()].set_index(keys)[metrics]
    sign = -1.0 if facts.maximizes else 1.0
    ranked = epochs.assign(rank=sign * epochs[facts.objective]).dropna(subset="rank")
    best_rows = ranked.groupby(keys)["rank"].idxmin()
    best = epochs.loc[best_rows].set_index(keys)[["epoch", *metrics]]
    summary = last.add_suffix("_last").join(best.rename(columns={"epoch": "best_epoch"}))
    return summary.join(grouped["epoch"].max().rename("epochs_run"))


def _read_manifest(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    if not path.is_file():
        return {}, (f"There is no {MANIFEST_FILE}: what the study ran on is not known.",)
    unreadable = (f"{MANIFEST_FILE} could not be read: what the study ran on is not known.",)
    if path.stat().st_size > _MAX_MANIFEST_BYTES:
        return {}, unreadable
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        logger.warning("%s: %s", path, error)
        return {}, unreadable
    return (manifest, ()) if isinstance(manifest, dict) else ({}, unreadable)
