"""Studies to read and report on, as a search would leave them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import Study, load
from analysis.records.schema import EPOCH_COLUMNS, TRIAL_COLUMNS

MakeTable = Callable[..., pd.DataFrame]


def _load_generator() -> ModuleType:
    """The generator lives with the benchmarks, which are no package."""
    name = "synthetic_study"
    if name not in sys.modules:
        path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


synthetic = _load_generator()
SMALL = synthetic.Plan(n_trials=12, n_seeds=2, max_epochs=6, n_validation=400, n_predicted=3)


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests lie side by side already: a report's second process is for its own tests."""
    monkeypatch.setattr("analysis.report.assistant._count_cpus", lambda: 1)


@pytest.fixture
def write_database(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small study with changes to its plan; returns the path of its records.db."""

    def write(**changes: Any) -> Path:
        path: Path = synthetic.write_study(tmp_path / "study", replace(SMALL, **changes))
        return path

    return write


@pytest.fixture
def make_study(write_database: Callable[..., Path]) -> Callable[..., Study]:
    """Makes a small study with changes to its plan."""
    return lambda **changes: load(write_database(**changes))


@pytest.fixture(scope="session")
def one_setting(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of one setting under three seeds, which no test changes."""
    params = {"cell": "lstm", "bidirectional": True, "units": 64, "layers": 2, "vocab_size": 15000}
    rest = {"sequence_length": 150, "learning_rate": 0.001, **synthetic.FIXED}
    plan = replace(SMALL, n_trials=1, n_seeds=3, params=params | rest, fail_fraction=0, prune_fraction=0)
    return load(synthetic.write_study(tmp_path_factory.mktemp("one"), plan))


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A small study over all factors, which no test changes."""
    return load(synthetic.write_study(tmp_path_factory.mktemp("small"), SMALL))


@pytest.fixture(scope="session")
def telling_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that is large enough for every figure, which no test changes."""
    plan = replace(SMALL, n_trials=60, n_classes=3, n_predicted=60)
    return load(synthetic.write_study(tmp_path_factory.mktemp("telling"), plan))


# Tables of the contract for the statistics, built from what a test cares about.


def trials_table(rows: Iterable[Mapping[str, Any]], **common: Any) -> pd.DataFrame:
    """A `trials` table; a row names what differs from a completed first replicate of its own trial."""
    plain = {
        "replicate": 1,
        "attempt": 1,
        "phase": "search",
        "state": "completed",
        "n_weights": 1000,
        "cells": "keras",
        "best_epoch": 1,
        "epochs_run": 2,
        "setup_s": 1.0,
        "wall_s": 10.0,
        "val_accuracy": np.nan,
        "test_accuracy": np.nan,
    }
    filled = [{"trial": number, **plain, **common, **row} for number, row in enumerate(rows)]
    table = pd.DataFrame([{"seed": 100 + row["replicate"], **row} for row in filled])
    parameters = [name for name in table.columns if name not in TRIAL_COLUMNS]
    needed = ("trial", "replicate", "seed", *plain)
    return table.reindex(columns=[*dict.fromkeys((*needed, *TRIAL_COLUMNS)), *parameters])


def epochs_table(
    curves: Mapping[tuple[int, int], Sequence[float]] | Sequence[float], **others: Sequence[float]
) -> pd.DataFrame:
    """An `epochs` table from validation losses by (trial, replicate), or of one; other metrics for all."""
    if not isinstance(curves, Mapping):
        curves = {(0, 1): curves}
    rows = [
        {"trial": trial, "phase": "search", "replicate": replicate, "epoch": epoch, "val_loss": loss}
        | {name: values[epoch - 1] for name, values in others.items()}
        for (trial, replicate), losses in curves.items()
        for epoch, loss in enumerate(losses, start=1)
    ]
    table = pd.DataFrame(rows).reindex(columns=EPOCH_COLUMNS)
    floats = [name for name in EPOCH_COLUMNS if name not in ("trial", "phase", "replicate", "epoch")]
    whole = dict.fromkeys(("trial", "replicate", "epoch"), "int64") | {"phase": "object"}
    return table.astype({**dict.fromkeys(floats, "float64"), **whole})


@pytest.fixture
def make_trials() -> MakeTable:
    return trials_table


@pytest.fixture
def make_epochs() -> MakeTable:
    return epochs_table
