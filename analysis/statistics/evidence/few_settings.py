"""Levels with few settings, of which no interval is shown."""

from __future__ import annotations

import pandas as pd

MIN_SETTINGS = 3
"""Settings at a level from which an interval is shown."""


def without_wild_intervals(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Leave intervals of one or two settings out: Student's is many times as wide as they lie apart."""
    return table.assign(**{name: table[name].where(table["n_settings"] >= MIN_SETTINGS) for name in columns})
