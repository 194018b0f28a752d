"""Runs that came to nothing: their share at each level, and whether a verdict hangs on them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.records.files import as_records
from analysis.report.chapters.verdict_table import interval, say_units, signed
from analysis.report.content import Grid
from analysis.statistics.evidence import Evidence
from analysis.words.labels import label_factor, label_level, label_value
from analysis.words.numbers import NONE, count, listing, percent
from analysis.words.verdicts import say_verdict

_KINDS = {"n_failed": "failed", "n_diverged": "diverged", "n_collapsed": "collapsed to one class"}


def lost_grids(evidence: Evidence) -> list[Grid]:
    """What came to nothing; none where nothing did."""
    table = evidence.lost_shares
    if not table[list(_KINDS)].to_numpy().any():
        return []
    rows = as_records(table)
    shown = pd.DataFrame(
        {
            "level": [label_level(row["factor"], row["level"]) for row in rows],
            "runs": [f"{row['n_runs']}" for row in rows],
            **{word: [f"{row[name]}" for row in rows] for name, word in _KINDS.items()},
            "share": [percent(row["share"], 0) for row in rows],
            "95% interval": [f"{percent(row['low'], 0)} to {percent(row['high'], 0)}" for row in rows],
        }
    )
    title = "Runs that came to nothing"
    grids = [
        Grid(name="lost-runs", title=title, frame=table, shown=shown, reading=read_lost(evidence), limit=12)
    ]
    verdicts = evidence.lost_verdicts
    if not verdicts.empty:
        title = "The same comparisons without these runs, and with them as the worst"
        grids.append(
            Grid(
                name="verdicts-lost",
                title=title,
                frame=verdicts,
                shown=_show(verdicts),
                reading=_read_verdicts(verdicts),
                limit=12,
            )
        )
    return grids


def _show(verdicts: pd.DataFrame) -> pd.DataFrame:
    rows = as_records(verdicts)
    return pd.DataFrame(
        {
            "comparison": [_name(row) for row in rows],
            "runs lost": [f"{row['n_lost_a']} and {row['n_lost_b']}" for row in rows],
            "without them, points": [_effect(_told(row, "without")) for row in rows],
            "verdict": [say_verdict(_told(row, "without")) for row in rows],
            "as the worst, points": [_effect(_told(row, "worst")) for row in rows],
            "verdict then": [say_verdict(_told(row, "worst")) for row in rows],
        }
    )


def _name(row: dict[str, Any]) -> str:
    a, b = (label_value(row["factor"], row[side]) for side in ("a", "b"))
    return f"{label_factor(row['factor'])}: {a} over {b}"


def _told(row: dict[str, Any], how: str) -> dict[str, Any]:
    """One of the two comparisons that stand side by side, its columns named as in other tables."""
    ending = f"_{how}"
    return {name.removesuffix(ending): value for name, value in row.items() if name.endswith(ending)}


def _effect(row: dict[str, Any]) -> str:
    if pd.isna(row["effect_pp"]):
        return NONE
    # By the rule of all tables: with none of too few units, whose interval says nothing.
    known = f"no interval from {say_units(row)}" if pd.isna(row["p_value"]) else interval(row)
    return f"{signed(row['effect_pp'])} ({known})"


def read_lost(evidence: Evidence) -> str:
    """Where most runs came to nothing, and whether a verdict hangs on them; nothing where none did."""
    table = evidence.lost_shares
    own = table[table["n_runs"] > 0]
    if own.empty or not own[list(_KINDS)].to_numpy().any():
        return ""
    first = own[own["factor"] == own["factor"].iloc[0]]
    n_runs = int(first["n_runs"].sum())
    kinds = [f"{int(first[name].sum())} {word}" for name, word in _KINDS.items() if int(first[name].sum())]
    ended = f"Of {count(n_runs, 'run')} that ended by themselves {listing(kinds)}"
    if int(first[list(_KINDS)].to_numpy().sum()) == 1:
        its = as_records(own[own[list(_KINDS)].any(axis=1)])
        return f"{ended}: with {listing([label_level(row['factor'], row['level']) for row in its])}."
    worst = as_records(own.sort_values("low", kind="stable").tail(1))[0]
    return (
        f"{ended}; most with "
        f"{label_level(worst['factor'], worst['level'])}, {percent(worst['share'], 0)} "
        f"({percent(worst['low'], 0)} to {percent(worst['high'], 0)})."
    )


def _read_verdicts(verdicts: pd.DataFrame) -> str:
    known = verdicts.dropna(subset=["effect_pp_without", "effect_pp_worst"])
    turned = known[
        (known["answer_without"] != known["answer_worst"])
        | (known["effect_pp_without"] * known["effect_pp_worst"] < 0)
    ]
    if turned.empty:
        return "No verdict hangs on whether these runs count."
    names = listing([_name(row) for row in as_records(turned)], 3)
    return f"It hangs on whether these runs count which side is ahead, or how surely: {names}."
