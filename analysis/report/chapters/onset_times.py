"""When models begin to overfit, where some runs ended before it could show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.records.files import as_records
from analysis.report.content import Grid
from analysis.statistics.evidence import Evidence
from analysis.words.labels import label_level
from analysis.words.numbers import NONE, count, percent


def read_censored(evidence: Evidence, known: pd.DataFrame) -> str:
    """What runs that ended early leave unknown; nothing where none did."""
    early = known["onset_epoch"].isna() & (known["n_epochs"] < evidence.facts.max_epochs)
    if not early.any():
        return ""
    row = as_records(evidence.onset_times)[0]
    ended = count(int(early.sum()), "run")
    median = (
        f"half of all do after epoch {row['median']:.0f} ({_epoch(row['median_low'])} to "
        f"{_epoch(row['median_high'])})"
        if np.isfinite(row["median"])
        else f"{percent(row['share'], 0)} of all do by epoch {row['horizon']:.0f}"
    )
    return f" {ended} ended early without showing it, and might have: counted as unknown, {median}."


def _epoch(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "later than any was followed"


def onset_grids(evidence: Evidence) -> list[Grid]:
    """The onset at each level of each factor, runs that ended too soon to tell counted as such."""
    table = evidence.onset_times
    rows = as_records(table[table["factor"] != ""])
    if not rows:
        return []
    shown = pd.DataFrame(
        {
            "level": [label_level(row["factor"], row["level"]) for row in rows],
            "runs": [f"{row['n_runs']:.0f}" for row in rows],
            "onset seen": [f"{row['n_onsets']:.0f}" for row in rows],
            "overfit": [
                f"{percent(row['share'], 0)} by epoch {row['horizon']:.0f}"
                + (
                    f" ({percent(row['share_low'], 0)} to {percent(row['share_high'], 0)})"
                    if pd.notna(row["share_high"])
                    else ""
                )
                for row in rows
            ],
            "half do after epoch": [
                f"{row['median']:.0f} ({_epoch(row['median_low'])} to {_epoch(row['median_high'])})"
                if np.isfinite(row["median"])
                else NONE
                for row in rows
            ],
        }
    )
    return [
        Grid(
            name="onset-times",
            title="Onset by level, runs that ended too soon to tell counted as unknown",
            frame=table,
            shown=shown,
            reading="By Kaplan and Meier; the intervals take runs as cases.",
            limit=12,
        )
    ]
