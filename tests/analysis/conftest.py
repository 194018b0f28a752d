"""Tables of the contract, built from what a test cares about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.records import EPOCH_COLUMNS, TRIAL_COLUMNS

MakeTable = Callable[..., pd.DataFrame]


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
        {"trial": trial, "replicate": replicate, "epoch": epoch, "val_loss": loss}
        | {name: values[epoch - 1] for name, values in others.items()}
        for (trial, replicate), losses in curves.items()
        for epoch, loss in enumerate(losses, start=1)
    ]
    table = pd.DataFrame(rows).reindex(columns=EPOCH_COLUMNS)
    floats = [name for name in EPOCH_COLUMNS if name not in ("trial", "replicate", "epoch")]
    whole = dict.fromkeys(("trial", "replicate", "epoch"), "int64")
    return table.astype({**dict.fromkeys(floats, "float64"), **whole})


@pytest.fixture
def make_trials() -> MakeTable:
    return trials_table


@pytest.fixture
def make_epochs() -> MakeTable:
    return epochs_table
