"""The lines to beat on fewer training texts, as records keep them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.errors import AnalysisError
from analysis.records.database import open_records
from analysis.records.upgrade import list_columns

AMOUNTS_SCHEMA = """
CREATE TABLE IF NOT EXISTS lines_by_amount (  -- the lines to beat on fewer training texts
    name         TEXT    NOT NULL,            -- as in baselines
    train_size   INTEGER NOT NULL,            -- texts that it was fitted on
    seed         INTEGER NOT NULL,            -- of the runs that were trained on the same texts
    val_accuracy REAL    NOT NULL,
    fit_s        REAL    NOT NULL,
    PRIMARY KEY (name, train_size, seed)
) STRICT
"""
"""A table that only studies of several amounts of training text have."""


class AmountLine(NamedTuple):
    """A line to beat, fitted on `train_size` texts, those of the runs with this seed; accuracy in [0, 1]."""

    name: str
    train_size: int
    seed: int
    val_accuracy: float
    fit_s: float


def read_lines_by_amount(database: Path | None) -> pd.DataFrame:
    """Read the lines to beat by amount of text, columns as in `AmountLine`; empty where there are none.

    Raises:
        AnalysisError: If an accuracy cannot be one.
    """
    rows = []
    if database is not None:
        with open_records(database) as connection:
            if "lines_by_amount" in list_columns(connection):
                columns = ", ".join(AmountLine._fields)
                rows = connection.execute(
                    f"SELECT {columns} FROM lines_by_amount ORDER BY name, train_size, seed"  # noqa: S608 - ours
                ).fetchall()
    table = pd.DataFrame(rows, columns=list(AmountLine._fields))
    if not table["val_accuracy"].astype(float).between(0.0, 1.0).all():
        raise AnalysisError(
            f"{database}: the accuracy of a line to beat is outside [0, 1]: restore the file from a copy"
        )
    return table.astype(
        {"train_size": "int64", "seed": "int64", "val_accuracy": "float64", "fit_s": "float64"}
    )
