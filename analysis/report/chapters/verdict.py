"""Which differences are real, which are inside the noise, and where more runs are needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import NOTHING_VARIED, Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.statistics.verdicts import IN_FEW_SETTINGS
from analysis.words.labels import label_level, label_value
from analysis.words.numbers import MINUS, count, listing, number, percent, points

_DRAWN = 24
_HARDLY_ANY = 0.0005


def verdict_chapter(evidence: Evidence) -> Section:
    """Verdicts between levels of factors and between the best settings."""
    blocks: list[Block] = []
    levels = evidence.named_level_verdicts
    if levels["effect_pp"].notna().any():
        draw = partial(figures.level_verdicts, evidence, _DRAWN)
        blocks.append(_chart("verdicts-levels", "Between levels of a factor", draw, read_levels(evidence)))
        blocks.append(verdict_grid("verdicts-levels", "Levels compared", levels, _read_company(levels)))
    else:
        blocks.append(Note(text=_why_no_levels(evidence), tone="warning"))
    early = evidence.early_level_verdicts
    if not early.empty and early["effect_pp"].notna().any():
        title = f"Levels compared after {count(evidence.equal_epochs or 0, 'epoch')}, runs cut short included"
        blocks.append(verdict_grid("verdicts-early", title, early, _read_early(evidence)))
    settings = evidence.named_setting_verdicts
    if not settings.empty:
        reading = read_settings(evidence)
        if settings["effect_pp"].notna().any():
            draw = partial(figures.setting_verdicts, evidence, _DRAWN)
            blocks.append(_chart("verdicts-settings", "The best setting against the next", draw, reading))
        blocks.append(verdict_grid("verdicts-settings", "Settings compared", settings))
    blocks.append(_optimism_note(evidence))
    return Section(
        anchor="verdicts",
        title="What is better",
        short="Verdicts",
        lead="Better: the difference stands after correction for all comparisons made, and the interval of "
        "P(A>B), the chance that one run of A beats one of B, lies above one half. Inside the noise: a "
        "difference worth knowing would have shown. Else there are not enough runs, and the table says how "
        "many more would do. Runs cut short by a scheduler are left out.",
        blocks=blocks,
    )


def _why_no_levels(evidence: Evidence) -> str:
    if not evidence.factors:
        return NOTHING_VARIED
    return "Too few completed runs share all else, so no level of a factor can be compared."


def _chart(name: str, title: str, draw: Callable[[], Figure], reading: str) -> Chart:
    alt = f"Differences in accuracy with their 95% intervals. {reading}"
    return Chart(name=name, title=title, draw=draw, reading=reading, alt=alt, table=name)


def _read_company(levels: pd.DataFrame) -> str:
    narrow = int(levels["note"].str.contains(IN_FEW_SETTINGS, regex=False).sum())
    return f"{narrow} of {len(levels)} hold {IN_FEW_SETTINGS}." if narrow else ""


def _read_early(evidence: Evidence) -> str:
    cut = int(evidence.runs["state"].isin(["pruned", "timeout"]).sum())
    return (
        f"{count(cut, 'run')} were cut short for being weak, and leaving them out flatters the levels that "
        "had many. Here all are judged by their best accuracy within the epochs that all of them ran: fair, "
        "but a verdict on an early stage only."
    )


def verdict_grid(name: str, title: str, table: pd.DataFrame, reading: str = "") -> Grid:
    """The table of comparisons, the clearest first; `name` says what was compared."""
    table = table.sort_values("p_value", kind="stable")
    rows = as_records(table)
    shown = pd.DataFrame(
        {
            "comparison": [row["name"] for row in rows],
            "difference, points": [_signed(row["effect_pp"]) for row in rows],
            "95% interval": [_interval(row) for row in rows],
            "P(A>B)": [number(row["p_better"]) for row in rows],
            "corrected p": [_p(row["p_corrected"]) for row in rows],
            "pairs": [f"{row['n_pairs']}" if row["n_pairs"] else f"{row['n_units']} runs" for row in rows],
            "verdict": [verdict(row) for row in rows],
        }
    )
    return Grid(name=name, title=title, frame=table, shown=shown, reading=reading, limit=12)


def _signed(value: float) -> str:
    return number(value, 1).replace("-", MINUS)


def _interval(row: dict[str, Any]) -> str:
    if pd.isna(row["effect_low_pp"]):
        return number(float("nan"))
    return f"{_signed(row['effect_low_pp'])} to {_signed(row['effect_high_pp'])}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else number(value, 3)


def verdict(row: dict[str, Any]) -> str:
    """The answer in words, with the runs that are missing."""
    if row["answer"] != "not enough runs":
        return str(row["answer"])
    more = row["more_pairs"]
    if pd.isna(more) or not more:
        return "not enough runs"
    unit = "pair" if row["method"] == "paired" else "run"
    return f"not enough runs: {count(int(more), unit)} more would do"


def read_levels(evidence: Evidence) -> str:
    """What is better than what, and what could not be told."""
    table = evidence.level_verdicts
    better = table[table["answer"] == "better"].sort_values("effect_pp", ascending=False)
    phrases = [
        f"{label_level(row['factor'], row['a'])} beats "
        f"{label_value(row['factor'], row['b'])} by {row['effect_pp']:.1f} points "
        f"({_signed(row['effect_low_pp'])} to {_signed(row['effect_high_pp'])})"
        for row in as_records(better)
    ]
    noise = int((table["answer"] == "inside the noise").sum())
    open_ = int((table["answer"] == "not enough runs").sum())
    first = (
        f"{listing(phrases, 3)}." if phrases else "No level of any factor is shown to be better than another."
    )
    rest = [f"{noise} {'is' if noise == 1 else 'are'} inside the noise"] if noise else []
    rest += [f"{open_} {'needs' if open_ == 1 else 'need'} more runs"] if open_ else []
    first = first[0].upper() + first[1:]
    return f"{first} Of {count(len(table), 'comparison')}, {listing(rest)}." if rest else first


def read_settings(evidence: Evidence) -> str:
    """Whether the best setting is better than the next ones."""
    table = evidence.setting_verdicts
    leader = "The best setting" if evidence.facts.maximizes else "The most accurate setting"
    better = int((table["answer"] == "better").sum())
    noise = int((table["answer"] == "inside the noise").sum())
    if better == len(table):
        return f"{leader} beats each of the next {len(table)}."
    if not better:
        tail = " and some differences are inside the noise" if noise else ""
        return f"{leader} is not shown to beat {_the_next(len(table))}: call it a tie{tail}."
    return f"{leader} beats {better} of the next {len(table)}, and is not shown to beat the rest."


def _optimism_note(evidence: Evidence) -> Note:
    table = evidence.optimism
    if table.empty:
        return Note(text="No run completed, so there is no winner to judge.", tone="warning")
    return Note(text=read_optimism(evidence))


def _the_next(n: int) -> str:
    return "the next" if n == 1 else f"any of the next {n}"


def read_optimism(evidence: Evidence) -> str:
    """How much of the winner's accuracy is the luck of having been picked."""
    row = as_records(evidence.optimism)[0]
    parts = [*_read_luck(row, evidence.facts.n_validation), *_read_confirmation(row)]
    if not parts:
        return "One setting was tried, so its accuracy owes nothing to having been picked among settings."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _read_luck(row: dict[str, Any], n_validation: int) -> list[str]:
    if row["n_settings"] < 2:
        return []
    parts = [
        f"the most accurate setting was picked out of {row['n_settings']:,}: were all equal, the luck of "
        f"{count(n_validation, 'validation text')} alone would lift the best by up to "
        f"{points(row['optimism_at_most'])}"
    ]
    if pd.notna(row["optimism"]):
        parts.append(
            "hardly any of its lead can be put down to the seeds"
            if row["optimism"] < _HARDLY_ANY
            else f"{points(row['optimism'])} of its lead can be put down to the seeds, so "
            f"{percent(row['shrunken'])} is the fairer figure"
        )
    return parts


def _read_confirmation(row: dict[str, Any]) -> list[str]:
    parts = []
    if row["n_confirmed"]:
        seeds = count(int(row["n_confirmed"]), "fresh seed")
        parts.append(f"trained again on {seeds}, it reaches {percent(row['confirmed'])}")
    if pd.notna(row["test_accuracy"]):
        side = "below" if row["val_minus_test"] > 0 else "above"
        parts.append(
            f"on the test split it has {percent(row['test_accuracy'])}, "
            f"{points(abs(row['val_minus_test']))} {side} validation"
        )
    return parts
