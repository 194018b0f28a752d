"""Norms of the loss's gradient by step back in time, read where a study recorded them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.records.database import LAST_ATTEMPTS, open_records

GRADIENT_COLUMNS = ("trial", "phase", "replicate", "moment", "steps_back", "norm")
"""`moment` is `start` or `end` of training; `steps_back` counts from the last step, 0."""

MOMENTS = ("start", "end")


def read_gradients(database: Path | None) -> pd.DataFrame:
    """Read gradient norms by step, `GRADIENT_COLUMNS`; empty where none were recorded.

    Raises:
        AnalysisError: If what was recorded is no series of numbers.
    """
    parts = []
    rows = []
    if database is not None:
        columns = "t.trial, t.phase, t.replicate, t.moment, t.norms"
        with open_records(database) as connection:
            rows = connection.execute(LAST_ATTEMPTS.format(columns=columns, table="gradients")).fetchall()
    for trial, phase, replicate, moment, content in rows:
        if len(content) % 4 or moment not in MOMENTS:
            raise AnalysisError(
                f"{database}: gradients of trial {trial}, replicate {replicate} are not a series of numbers: "
                "restore the file from a copy"
            )
        norms = np.frombuffer(content, dtype="<f4").astype(np.float64)
        keys = {"trial": trial, "phase": phase, "replicate": replicate, "moment": moment}
        parts.append(pd.DataFrame({**keys, "steps_back": np.arange(len(norms)), "norm": norms}))
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in GRADIENT_COLUMNS})
    return pd.concat(parts, ignore_index=True)
