"""Which factors mattered, and whether the space was wide enough."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import NO_ACCURACY, NOTHING_VARIED, Block, Chart, Grid, Note, Section
from analysis.statistics.effects import can_hold_equal
from analysis.statistics.evidence import Evidence
from analysis.statistics.importance import MIN_SETTINGS
from analysis.words.labels import label_factor, label_level, label_value
from analysis.words.numbers import count, listing, number, percent

_LEAD = (
    "Completed runs only; the unit is a setting, averaged over its replicates. {} The best of many beats the "
    "best of few, so the expected best is that of as many settings at each level as the least tried one has."
)
_HELD = "All else is held equal by a model in which each factor adds its own part."
_NOT_HELD = "Too few settings completed to hold all else equal: means are as tried, and company counts."


def factor_chapter(evidence: Evidence) -> Section:
    """Effects, importance, parallel coordinates and the ends of the space."""
    blocks: list[Block] = []
    if not evidence.factors:
        blocks.append(Note(text=NOTHING_VARIED, tone="warning"))
    elif evidence.effects.empty:
        blocks.append(Note(text=NO_ACCURACY, tone="warning"))
    else:
        blocks.append(_effects_chart(evidence))
        blocks.extend(_importance_blocks(evidence))
        blocks.extend(_interaction_blocks(evidence))
        blocks.extend(_boundary_blocks(evidence))
        if len(evidence.completed) > 1:
            blocks.append(_parallel_chart(evidence))
    held = _HELD if can_hold_equal(evidence.effects) else _NOT_HELD
    return Section(
        anchor="factors",
        title="Which factors mattered",
        short="Factors",
        lead=_LEAD.format(held),
        blocks=blocks,
    )


def _effects_chart(evidence: Evidence) -> Chart:
    reading = read_effects(evidence)
    return Chart(
        name="effects",
        title="Accuracy by factor",
        draw=partial(figures.effects, evidence),
        reading=reading,
        alt=f"Mean and expected best accuracy at each level of each factor. {reading}",
        table="effects",
    )


def read_effects(evidence: Evidence) -> str:
    """The factor whose levels differ most, all else held equal where that can be done."""
    table = evidence.effects
    held = can_hold_equal(table)
    column = "adjusted" if held else "mean"
    spans = table.groupby("factor")[column].agg(lambda means: means.max() - means.min())
    factor = str(spans.idxmax())
    ordered = as_records(table[table["factor"] == factor].sort_values(column))
    how = "with all else held equal" if held else "as they were tried"
    low, high = (percent(row[column]) for row in (ordered[0], ordered[-1]))
    name = label_factor(factor)
    if low == high:
        return f"Mean accuracy differs by no factor: {low} at each level of {name}, {how}."
    worst, best = (label_value(factor, row["level"]) for row in (ordered[0], ordered[-1]))
    return f"Mean accuracy differs most by {name}: from {low} ({worst}) to {high} ({best}), {how}."


def _interaction_blocks(evidence: Evidence) -> list[Block]:
    pair = strongest_pair(evidence)
    if pair is None:
        return []
    reading = read_interactions(evidence)
    return [
        Chart(
            name="interaction-map",
            title=f"Accuracy by {label_factor(pair[0])} and {label_factor(pair[1])}",
            draw=partial(figures.accuracy_map, evidence, *pair),
            reading=reading,
            alt=f"Map of validation accuracy over two factors. {reading}",
            table="interaction-map",
            wide=False,
        )
    ]


def strongest_pair(evidence: Evidence) -> tuple[str, str] | None:
    """The two factors that do most beyond adding up; None where that cannot be told."""
    table = evidence.interactions.dropna(subset="p_corrected")
    if table.empty:
        return None
    top = as_records(table.head(1))[0]
    return str(top["factor_a"]), str(top["factor_b"])


def read_interactions(evidence: Evidence) -> str:
    """Whether factors work together, or their effects simply add up."""
    table = evidence.interactions.dropna(subset="p_corrected")
    top = as_records(table.head(1))[0]
    names = f"{label_factor(top['factor_a'])} and {label_factor(top['factor_b'])}"
    expected = percent(top["share_expected"])
    share = f"{percent(top['share'])} of the differences, {expected} expected of noise"
    real = int((table["p_corrected"] <= evidence.rule.alpha).sum())
    if real:
        pairs = "1 pair of factors works" if real == 1 else f"{real} pairs of factors work"
        return f"{pairs} together beyond adding up, most {names} ({share})."
    return f"No pair of factors is shown to do more than add up; the strongest is {names} ({share})."


def _importance_blocks(evidence: Evidence) -> list[Block]:
    table = evidence.importance
    if table.empty:
        text = (
            f"Importance needs Optuna, {MIN_SETTINGS} completed settings and scores that differ; this study "
            f"has {count(len(evidence.ranking), 'completed setting')}."
        )
        return [Note(text=text)]
    reading = read_importance(evidence)
    return [
        Chart(
            name="importance",
            title="Importance",
            draw=partial(figures.importance, evidence),
            reading=reading,
            alt=f"Importance of each parameter by fANOVA and PED-ANOVA. {reading}",
            table="importance",
            wide=False,
        )
    ]


def read_importance(evidence: Evidence) -> str:
    """The parameter that explains most over the whole space, and the one that sets the best apart."""
    known = evidence.importance.dropna(subset="importance")
    parts = []
    for evaluator, what in (
        ("fANOVA", "explains {} of the differences over the whole space (fANOVA)"),
        ("PED-ANOVA", "sets the best tenth apart most, {} (PED-ANOVA)"),
    ):
        rows = as_records(known[known["evaluator"] == evaluator].head(1))
        if rows:
            row = rows[0]
            share = f"{percent(row['importance'], 0)} ({percent(row['low'], 0)} to {percent(row['high'], 0)})"
            parts.append(f"{label_factor(row['parameter'])} {what.format(share)}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else "No parameter was set in every setting."


def _boundary_blocks(evidence: Evidence) -> list[Block]:
    table = evidence.boundaries
    if table.empty:
        return []
    rows = as_records(table)
    shown = pd.DataFrame(
        {
            "factor": [label_factor(row["parameter"]) for row in rows],
            "end": [f"{row['end']}, {label_value(row['parameter'], row['bound'])}" for row in rows],
            "of the best there": [
                f"{round(row['share_top'] * row['n_top'])} of {row['n_top']}" for row in rows
            ],
            "of all tried": [percent(row["share_tried"], 0) for row in rows],
            "slope outwards, points": [number(100 * row["slope"], 1) for row in rows],
            "corrected p": [number(row["p_corrected"], 3) for row in rows],
            "advice": [_advise(row) for row in rows],
        }
    )
    return [
        Grid(
            name="boundaries",
            title="Do the best lie at an end of the space?",
            frame=table,
            shown=shown,
            reading=read_boundaries(evidence),
            limit=24,
        )
    ]


def _advise(row: dict[str, object]) -> str:
    return "widen it" if row["widen"] else "a natural end" if not row["can_widen"] else "no clear sign"


def read_boundaries(evidence: Evidence) -> str:
    """The ends of the space that should be moved outwards."""
    rows = as_records(evidence.boundaries[evidence.boundaries["widen"]])
    if not rows:
        return "No score is shown to rise still at an end of the space where many of the best lie."
    ends = [
        f"accuracy still rises with {label_factor(row['parameter'])} at the {row['end']} end of the space, "
        f"{label_value(row['parameter'], row['bound'])}"
        for row in rows
    ]
    text = listing(ends)
    return f"{text[0].upper()}{text[1:]}: widen it there before trusting the optimum."


def _parallel_chart(evidence: Evidence) -> Chart:
    best = max(1, len(evidence.completed) // 10)
    shown = evidence.completed.sort_values("score", ascending=not evidence.facts.maximizes).head(best)
    agreed = [
        label_level(name, shown[name].iloc[0])
        for name in evidence.factors
        if best > 1 and shown[name].nunique(dropna=False) == 1
    ]
    common = f"agree on {listing(agreed)}" if agreed else "agree on no single value"
    reading = (
        f"The best tenth, {count(best, 'run')}, {common}." if best > 1 else "The strong line is the best run."
    )
    return Chart(
        name="parallel",
        title=f"Every completed run{evidence.of_search} as a line",
        draw=partial(figures.parallel_coordinates, evidence),
        reading=reading,
        alt=f"Parallel coordinates of {count(len(evidence.completed), 'completed run')}{evidence.of_search}. "
        + reading,
        table="trials",
    )
