"""Factors tested as a whole, and each at the levels of another that changes what it does."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.records.files import as_records
from analysis.report.chapters.verdict_table import p_text, signed
from analysis.report.content import Grid
from analysis.statistics.evidence import Evidence
from analysis.statistics.verdicts.factors import DIFFER, NOT_SHOWN
from analysis.words.labels import label_factor, label_level, label_value
from analysis.words.numbers import NONE, count, listing

_PHRASES = 4


def factor_grids(evidence: Evidence) -> list[Grid]:
    """One test per factor; none where no factor can be tested."""
    table = evidence.factor_tests
    if table.empty or table["p_value"].isna().all():
        return []
    rows = as_records(table.sort_values("p_value", kind="stable", na_position="last"))
    shown = pd.DataFrame(
        {
            "factor": [label_factor(row["factor"]) for row in rows],
            "levels": [f"{row['n_levels']}" if row["n_levels"] else NONE for row in rows],
            "F": [_f(row) for row in rows],
            "corrected p": [p_text(row["p_corrected"]) for row in rows],
            "points a level": [_trend(row) for row in rows],
            "corrected p of the trend": [p_text(row["trend_p_corrected"]) for row in rows],
            "verdict": [row["answer"] for row in rows],
        }
    )
    return [
        Grid(
            name="verdicts-factors",
            title="Do the levels of a factor differ at all?",
            frame=table,
            shown=shown,
            reading=read_factors(evidence),
        )
    ]


def _f(row: dict[str, Any]) -> str:
    if pd.isna(row["f_value"]):
        return NONE
    freedom = "\u221e" if row["freedom"] > 1e4 else f"{row['freedom']:.0f}"
    return f"{row['f_value']:.1f} ({row['freedom_levels']:.0f}, {freedom})"


def _trend(row: dict[str, Any]) -> str:
    if pd.isna(row["trend_pp"]):
        return NONE
    low, middle, high = (signed(row[name], 2) for name in ("trend_low_pp", "trend_pp", "trend_high_pp"))
    return f"{middle} ({low} to {high})"


def read_factors(evidence: Evidence) -> str:
    """Which factors' levels differ at all, before any two of them; nothing where none can be tested."""
    rows = as_records(evidence.factor_tests)
    by_answer = {
        answer: [label_factor(row["factor"]) for row in rows if row["answer"] == answer]
        for answer in (DIFFER, NOT_SHOWN)
    }
    if not any(by_answer.values()):
        return ""
    parts = []
    if by_answer[DIFFER]:
        parts.append(f"the levels of {listing(by_answer[DIFFER])} differ")
    if by_answer[NOT_SHOWN]:
        parts.append(f"those of {listing(by_answer[NOT_SHOWN])} are not shown to")
    text = ", ".join(parts)
    if not by_answer[DIFFER]:
        text = f"the levels of {listing(by_answer[NOT_SHOWN])} are not shown to differ"
    trends = [_say_trend(row) for row in rows if row["trend_p_corrected"] <= evidence.rule.alpha]
    told = listing(trends, 3)
    rises = f" {told[0].upper()}{told[1:]}." if trends else ""
    average = "" if evidence.simple_effects.empty else ", averaged over the others"
    return f"{text[0].upper()}{text[1:]} (one test per factor{average}).{rises}"


def _say_trend(row: dict[str, Any]) -> str:
    way = "rises" if row["trend_pp"] > 0 else "falls"
    low, high = sorted((abs(row["trend_low_pp"]), abs(row["trend_high_pp"])))
    return (
        f"accuracy {way} by {abs(row['trend_pp']):.1f} points ({low:.1f} to {high:.1f}) from one level of "
        f"{label_factor(row['factor'])} to the next"
    )


def within_name(row: dict[str, Any]) -> str:
    """A comparison at one level of another factor: `cell: LSTM over GRU, with both directions`."""
    factor = row["factor"]
    return (
        f"{label_factor(factor)}: {label_value(factor, row['a'])} over {label_value(factor, row['b'])}, "
        f"with {label_level(row['at_factor'], row['at_level'])}"
    )


def read_within(evidence: Evidence, factor: str, other: str) -> str:
    """What is better at which level of the other factor; nothing where nothing is."""
    table = evidence.simple_effects
    own = table[(table["factor"] == factor) & (table["at_factor"] == other)]
    if own.empty:
        return ""
    phrases = [
        f"with {label_level(other, row['at_level'])} {label_value(factor, row['a'])} beats "
        f"{label_value(factor, row['b'])} by {row['effect_pp']:.1f} points"
        for row in as_records(own[own["answer"] == "better"])
    ]
    if not phrases:
        made = count(len(own), "comparison")
        return (
            f"Taken alone, no level of {label_factor(other)} shows which {label_factor(factor)} is better "
            f"({made}). "
        )
    text = listing(phrases, _PHRASES)
    return f"{text[0].upper()}{text[1:]}. "
