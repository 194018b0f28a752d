"""Comparisons as a table in the page, and their answers in words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.records.files import as_records
from analysis.report.content import Grid
from analysis.words.numbers import MINUS, count, number
from analysis.words.verdicts import say_verdict


def verdict_grid(name: str, title: str, table: pd.DataFrame, reading: str = "") -> Grid:
    """The table of comparisons, the clearest first; `name` says what was compared."""
    table = table.sort_values("p_value", kind="stable")
    rows = as_records(table)
    shown = pd.DataFrame(
        {
            "comparison": [row["name"] for row in rows],
            "difference, points": [signed(row["effect_pp"]) for row in rows],
            "95% interval": [interval(row) for row in rows],
            "P(A>B)": [number(row["p_better"]) for row in rows],
            "corrected p": [p_text(row["p_corrected"]) for row in rows],
            "pairs": [
                f"{row['n_pairs']}" if row["n_pairs"] else count(int(row["n_units"]), "run") for row in rows
            ],
            "verdict": [say_verdict(row) for row in rows],
            "speaks of": [row["scope"].removeprefix("for ") for row in rows],
        }
    )
    return Grid(name=name, title=title, frame=table, shown=shown, reading=reading, limit=12)


def signed(value: float, digits: int = 1) -> str:
    """A number of points with the sign of numbers."""
    return number(value, digits).replace("-", MINUS)


def interval(row: dict[str, Any]) -> str:
    """The interval of a comparison; of units too few for one, that there is none."""
    if pd.isna(row["effect_low_pp"]):
        return number(float("nan"))
    if pd.isna(row["p_value"]):
        # Student's of so few is many times as wide as anything that was seen.
        return f"none from {say_units(row)}"
    return f"{signed(row['effect_low_pp'])} to {signed(row['effect_high_pp'])}"


def say_units(row: dict[str, Any]) -> str:
    """What a comparison rests on: `2 pairs`, or `2 settings` where several pairs make a unit."""
    return count(int(row["n_units"]), "pair" if row["n_units"] == row["n_pairs"] else row["unit"])


def p_text(value: float) -> str:
    """A p-value to three digits."""
    return "<0.001" if value < 0.001 else number(value, 3)
