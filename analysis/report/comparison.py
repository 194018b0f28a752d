"""Several studies side by side: what they share, who is better, and whether the comparison is fair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.errors import AnalysisError
from analysis.plots.ranking import draw_best_and_last
from analysis.plots.search import draw_expected_best
from analysis.plots.style import styled
from analysis.plots.verdicts import draw_verdicts
from analysis.records.files import as_records
from analysis.records.loading import Study
from analysis.report.chapters.overfit import read_onsets
from analysis.report.chapters.verdict_table import verdict_grid
from analysis.report.content import Block, Chart, Fact, Finding, Grid, Note, Report, Section
from analysis.report.fairness import difference_block, texts_that_judge, warn_of_missing, warn_of_unlike
from analysis.statistics.comparisons.rules import rule_of
from analysis.statistics.evidence import Evidence, gather
from analysis.statistics.expected_best import expected_best
from analysis.statistics.verdicts import compare_studies
from analysis.words.metrics import label_metric
from analysis.words.numbers import NONE, count, listing, numbers, percent, with_margin

COLORS = ("#CC79A7", "#E69F00", "#56B4E9", "#5B6475", "#8C6D31", "#A6761D", "#7570B3", "#666666")
"""Of studies: none of them a cell's."""


_KIND = "Comparison of studies"
_COMPARED = "compared over the settings that they share."


def is_comparison(page: str) -> bool:
    """Whether a page, or a file of Markdown, is one of ours that compares studies."""
    return f'<p class="kicker">{_KIND}</p>' in page or _COMPARED in "".join(page.splitlines()[2:3])


def build_comparison(studies: Sequence[Study]) -> Report:
    """Compute all that a comparison says.

    Raises:
        AnalysisError: If there are fewer than two studies.
    """
    if len(studies) < 2:
        raise AnalysisError(f"a comparison needs two studies or more, not {len(studies)}: name another one")
    named = name_studies(studies)
    evidence = {name: gather(study) for name, study in named.items()}
    leaders = _leaders(evidence)
    verdicts = _verdicts(named)
    return Report(
        kind=_KIND,
        title=" and ".join(named) if len(named) == 2 else f"{len(named)} studies",
        subtitle=f"{listing(list(named), 12)}: {_COMPARED}",
        facts=[_fact(row) for row in as_records(leaders.head(4))],
        findings=[
            *warn_of_unlike(evidence),
            *warn_of_missing(evidence),
            *_findings(leaders, verdicts),
            *_onsets(evidence),
        ],
        sections=[_verdict_section(verdicts), _best_section(evidence, leaders), _facts_section(evidence)],
        tables={"leaders": leaders, "expected-best": _expected_best(evidence)},
    )


def name_studies(studies: Sequence[Study]) -> dict[str, Study]:
    """Studies by name, equal names told apart by number."""
    named: dict[str, Study] = {}
    for study in studies:
        name, number_ = study.name, 2
        while name in named:
            name, number_ = f"{study.name} ({number_})", number_ + 1
        named[name] = study
    return named


def _leaders(evidence: Mapping[str, Evidence]) -> pd.DataFrame:
    """The best setting of each study that knows accuracies, best first."""
    rows = []
    for name, own in evidence.items():
        if own.ranking.empty or own.ranking["val_accuracy"].isna().iloc[0]:
            continue
        top = as_records(own.ranking.head(1))[0]
        rows.append(
            {
                "study": name,
                "label": f"{name}: {top['label']}",
                "cell": top.get("cell", ""),
                "val_accuracy": top["val_accuracy"],
                "val_accuracy_last": top["val_accuracy_last"],
                "half_width": own.half_width,
                "best_epoch": top["best_epoch"],
                "n_completed": top["n_completed"],
                "n_settings": len(own.ranking),
            }
        )
    columns = ["study", "label", "cell", "val_accuracy", "val_accuracy_last", "half_width", "best_epoch"]
    table = pd.DataFrame(rows, columns=[*columns, "n_completed", "n_settings"])
    return table.sort_values("val_accuracy", ascending=False, kind="stable").reset_index(drop=True)


def _verdicts(named: Mapping[str, Study]) -> pd.DataFrame:
    tables = {name: study.trials for name, study in named.items()}
    facts = {name: study.facts for name, study in named.items()}
    # Of several margins the least: what it leaves equivalent is so by all of them.
    rule = min((rule_of(study.spec) for study in named.values()), key=lambda own: own.margin)
    table = compare_studies(tables, facts=facts, rule=rule)
    # Of studies that were judged on other texts no number of runs tells which is better.
    judged = {name: texts_that_judge(study) for name, study in named.items()}
    elsewhere = table["a"].map(judged) != table["b"].map(judged)
    table["answer"] = table["answer"].mask(elsewhere, "cannot be told apart")
    what = "the data" if any(f.made_by for f in facts.values()) else "the texts"
    table["confounded"] = table["confounded"].mask(elsewhere, what)
    table["more"] = table["more"].mask(elsewhere)
    names = [f"{a} over {b}" for a, b in zip(table["a"], table["b"], strict=True)]
    return table.assign(name=names)


def _fact(row: dict[str, object]) -> Fact:
    accuracy, half = float(str(row["val_accuracy"])), float(str(row["half_width"]))
    return Fact(label=str(row["study"]), value=with_margin(accuracy, half), detail=str(row["label"]))


def _findings(leaders: pd.DataFrame, verdicts: pd.DataFrame) -> list[Finding]:
    found = []
    if not leaders.empty:
        found.append(Finding(text=_read_leaders(leaders), tone="good", anchor="best", kind="best"))
    found.append(Finding(text=_read_verdicts(verdicts), anchor="verdicts", kind="studies"))
    return found


def _read_leaders(leaders: pd.DataFrame) -> str:
    """Which study's best setting is the most accurate, and out of how many it was picked."""
    top, *others = _most_accurate(leaders)
    luck = "and a study that tries more has more luck"
    if others:
        picked = listing([f"{row['label']} (out of {row['n_settings']})" for row in (top, *others)])
        return (
            f"The best settings of {1 + len(others)} studies are equally accurate, "
            f"{percent(top['val_accuracy'])}: {picked}; {luck}."
        )
    return (
        f"The highest accuracy is in {top['label']}, "
        f"{with_margin(top['val_accuracy'], top['half_width'])}; it was picked out of "
        f"{count(int(top['n_settings']), 'setting')}, {luck}."
    )


def _most_accurate(leaders: pd.DataFrame) -> list[dict[str, Any]]:
    """The first of the leaders, and those that are printed with the same accuracy."""
    rows = as_records(leaders)
    return [row for row in rows if percent(row["val_accuracy"]) == percent(rows[0]["val_accuracy"])]


def _read_verdicts(verdicts: pd.DataFrame) -> str:
    known = verdicts[verdicts["effect_pp"].notna()]
    if known.empty:
        return (
            "No setting has an accuracy in two of the studies, so no verdict between them is possible."
            if verdicts["note"].str.contains("no validation accuracy", regex=False).any()
            else "The studies completed no setting in common, so no verdict between them is possible."
        )
    better = known[known["answer"] == "better"]
    phrases = [
        f"{row['a']} is better than {row['b']} by {row['effect_pp']:.1f} points" for row in as_records(better)
    ]
    if not phrases:
        made = count(len(known), "comparison")
        return f"Over the settings that they share, no study is shown to be better ({made})."
    return f"Over the settings that they share, {listing(phrases)}."


def _onsets(evidence: Mapping[str, Evidence]) -> list[Finding]:
    return [
        Finding(text=f"{name}: {read_onsets(own)}", anchor="studies", kind="onset")
        for name, own in evidence.items()
        if not own.study.epochs.empty and not own.ranking.empty
    ]


def _verdict_section(verdicts: pd.DataFrame) -> Section:
    blocks: list[Block] = []
    reading = _read_verdicts(verdicts)
    known = verdicts[verdicts["effect_pp"].notna()]
    if known.empty:
        blocks.append(Note(text=reading, tone="warning"))
    else:
        blocks.append(
            Chart(
                name="verdicts",
                title="Between studies, over shared settings",
                draw=partial(_draw, draw_verdicts, known),
                reading=reading,
                alt=f"Differences in accuracy with their 95% intervals. {reading}",
                table="verdicts-studies",
            )
        )
    blocks.append(verdict_grid("verdicts-studies", "Studies compared", verdicts))
    blocks.extend(
        Note(text=f"{row['a']} and {row['b']}: {row['note']}.", tone="warning")
        for row in as_records(verdicts)
        if row["note"]
    )
    lead = (
        "Runs are paired where both studies trained the same setting, under the same seed if they share one."
    )
    return Section(anchor="verdicts", title="What is better", lead=lead, blocks=blocks)


def _best_section(evidence: Mapping[str, Evidence], leaders: pd.DataFrame) -> Section:
    if leaders.empty:
        nothing = all(own.ranking.empty for own in evidence.values())
        what = "No run completed" if nothing else "No accuracy of a completed run was recorded"
        note = Note(text=f"{what} in any of the studies.", tone="warning")
        return Section(anchor="best", title="Best of each", blocks=[note])
    curves = _expected_best(evidence)
    top, *others = (str(row["study"]) for row in _most_accurate(leaders))
    holds = f"{listing([top, *others])} share" if others else f"{top} holds"
    reading = (
        f"{holds} the highest accuracy at the best epoch; the ring shows what is left of it at the last."
    )
    blocks: list[Block] = [
        Chart(
            name="best-of-each",
            title="The best setting of each study, at its best and last epoch",
            draw=partial(_draw, draw_best_and_last, leaders, float("nan")),
            reading=reading,
            alt=f"Accuracy of the best setting of {count(len(leaders), 'study', 'studies')}. {reading}",
            table="leaders",
        )
    ]
    if not curves.empty:
        colors = dict(zip(evidence, COLORS, strict=False))
        reading = "Studies are compared fairly at an equal number of trials or equal time, not at their ends."
        blocks.append(
            Chart(
                name="expected-best",
                title="Expected best accuracy by budget",
                draw=partial(_draw, draw_expected_best, curves, "val_accuracy", colors),
                reading=reading,
                alt="Expected best accuracy against trials and training time, one curve per study.",
                table="expected-best",
            )
        )
    return Section(anchor="best", title="Best of each", blocks=blocks)


def _draw(draw: Callable[..., Figure], *arguments: object) -> Figure:
    with styled():
        return draw(*arguments)


def _expected_best(evidence: Mapping[str, Evidence]) -> pd.DataFrame:
    tables = [expected_best(own.study.trials).assign(level=name) for name, own in evidence.items()]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def _facts_section(evidence: Mapping[str, Evidence]) -> Section:
    rows = []
    for name, own in evidence.items():
        facts = own.facts
        rows.append(
            {
                "study": name,
                "data from": facts.source,
                "classes": f"{len(facts.classes)}",
                "trained on": f"{facts.n_train:,}",
                "validated on": f"{facts.n_validation:,} ({facts.validated_on})",
                "epochs": f"{facts.max_epochs}",
                "objective": label_metric(facts.objective),
                "trials": f"{own.study.trials['trial'].nunique():,}",
                "completed": f"{len(own.completed):,}",
                "best": NONE if own.ranking.empty else percent(float(own.ranking["val_accuracy"].iloc[0])),
                "best epoch": NONE
                if own.ranking.empty
                else numbers([float(own.ranking["best_epoch"].iloc[0])], 1)[0],
            }
        )
    frame = pd.DataFrame(rows, dtype=object)
    grid = Grid(name="studies", title="What was asked of each", frame=frame, shown=frame)
    different: list[Block] = [difference_block(evidence)]
    notes: list[Block] = [
        Note(text=f"{name}: {note}", tone="warning")
        for name, own in evidence.items()
        for note in own.study.notes
    ]
    return Section(anchor="studies", title="The studies", blocks=[grid, *different, *notes])
