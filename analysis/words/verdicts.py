"""The answer of a comparison in words, the same wherever one is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.values import is_missing
from analysis.words.numbers import count

MIN_UNITS = 3
"""Fewer pairs than this support no verdict but "not enough runs"."""

NO_TELLING = "not told, and more runs would not tell"


def say_verdict(row: Mapping[str, Any]) -> str:
    """What was answered, with what is missing or what it was confounded with.

    Args:
        row: `answer, confounded, method, more, more_of` of one comparison, and `n_units` where it is known.
    """
    if row["answer"] == "cannot be told apart":
        return f"cannot be told apart from {row['confounded']}"
    if row["answer"] != "not enough runs":
        return str(row["answer"])
    if is_hopeless(row):
        return NO_TELLING
    if is_missing(row["more"]):
        return "not enough runs"
    more = count(int(row["more"]), f"more {row['more_of']}")
    return f"not enough runs: at least {more}" if is_least(row) else f"not enough runs: {more} would do"


def is_least(row: Mapping[str, Any]) -> bool:
    """Whether what is missing is the least that it takes: of so few units nobody knows how they differ."""
    return bool(row.get("n_units", MIN_UNITS) < MIN_UNITS)


def is_hopeless(row: Mapping[str, Any]) -> bool:
    """Whether a comparison was made, was not answered, and would not be by more of the same."""
    return row["answer"] == "not enough runs" and row["method"] != "none" and is_missing(row["more"])
