"""What the search found for what it spent, and whether more would have helped."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import Block, Chart, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.statistics.fronts import Cost
from analysis.words.labels import label_value
from analysis.words.metrics import label_metric, say_difference
from analysis.words.numbers import count, duration, percent, whole

_MIN_TRIALS = 3
_ROUNDING = 1e-9


def search_chapter(evidence: Evidence) -> Section:
    """Expected best against trials and compute, and the front of accuracy against cost."""
    blocks: list[Block] = []
    table = evidence.expected_best
    if table.empty or table["n_trials"].sum() < _MIN_TRIALS:
        blocks.append(
            Note(text="Too few trials have a score to say what more of them would bring.", tone="warning")
        )
    else:
        reading, metric = read_expected_best(evidence), label_metric(evidence.facts.objective)
        blocks.append(
            Chart(
                name="expected-best",
                title=f"Expected best {metric} by budget",
                draw=partial(figures.expected_best, evidence),
                reading=reading,
                alt=f"Expected best validation {metric} against trials and against training time. {reading}",
                table="expected-best",
            )
        )
    if len(evidence.ranking) > 1:
        blocks.extend(_fronts(evidence))
    return Section(
        anchor="search",
        title="Search and cost",
        short="Cost",
        lead="What a search of so many of these trials would be expected to find (Tang et al. 2020, without "
        "bias, never beyond the trials run), and what accuracy costs.",
        blocks=blocks,
    )


def read_expected_best(evidence: Evidence) -> str:
    """Who leads at an equal number of trials, and what the second half of the trials brought."""
    table, objective = evidence.expected_best, evidence.facts.objective
    sign = 1 if evidence.facts.maximizes else -1
    shared = int(table.groupby("level", dropna=False)["n"].max().min())
    at_shared = table[table["n"] <= shared].groupby("level", sort=False, dropna=False).last().reset_index()
    ordered = as_records(
        at_shared.assign(key=sign * at_shared["expected_best"]).sort_values("key", ascending=False)
    )
    say, nothing = partial(say_difference, objective), say_difference(objective, 0.0)
    sentence, metric = "", label_metric(objective)
    if len(ordered) > 1:
        first, second = ordered[0], ordered[1]
        lead = say(abs(first["expected_best"] - second["expected_best"]))
        name, other = label_value("cell", first["level"]), label_value("cell", second["level"])
        sentence = (
            f"With {count(shared, 'trial')} each, {name} and {other} would be expected to find the same "
            f"{metric}."
            if lead == nothing
            else f"With {count(shared, 'trial')} each, {name} would be expected to lead {other} by {lead} of "
            f"{metric}."
        )
    whole_curve = as_records(evidence.expected_best_overall)
    half = next((row for row in whole_curve if row["n"] >= whole_curve[-1]["n_trials"] / 2), whole_curve[0])
    gained = say(abs(whole_curve[-1]["expected_best"] - half["expected_best"]))
    trials = count(int(whole_curve[-1]["n_trials"]), "trial")
    best = f"the expected best {metric}"
    brought = f"hardly improved {best}" if gained == nothing else f"improved {best} by {gained}"
    return f"{sentence} The second half of all {trials} {brought}.".strip()


def _fronts(evidence: Evidence) -> list[Block]:
    blocks: list[Block] = []
    kinds: list[tuple[Cost, str, str]] = [
        (evidence.time_cost, "time", "seconds of training"),
        ("n_weights", "size", "weights"),
    ]
    for name, cost, label in kinds:
        table = evidence.fronts[name]
        if table["cost"].nunique() < 2:
            continue
        reading = _read_front(table, name)
        if name == "wall_s":
            reading += " Times are of whole runs, their start included: those of epochs were not recorded."
        elif name == "to_best_s":
            reading += " Seconds are those of steady epochs up to the best, without a run's start."
        blocks.append(
            Chart(
                name=f"front-{cost}",
                title=f"Accuracy against {cost}",
                draw=partial(figures.cost_front, evidence, name),
                reading=reading,
                alt=f"Validation accuracy of each setting against {label}. {reading}",
                table=f"front-{cost}",
                wide=False,
            )
        )
    return blocks


def _read_front(table: pd.DataFrame, cost: str) -> str:
    front = as_records(table[table["on_front"]])
    best = front[-1]
    show = duration if cost != "n_weights" else lambda value: f"{whole(value)} weights"
    near = next(row for row in front if row["score"] >= best["score"] - 0.01)
    n_tied = int((table["score"] >= best["score"] - _ROUNDING).sum())
    tied = f", the cheapest of {n_tied} that are equally accurate," if n_tied > 1 else ""
    if near["setting"] == best["setting"]:
        cost_of_best = show(best["cost"])
        return (
            f"The most accurate setting, {best['label']}{tied or ','} takes {cost_of_best}; nothing cheaper "
            "comes within a point of it."
        )
    whose = f" of {best['label']}{tied.rstrip(',')}" if tied else ""
    return (
        f"{near['label']} comes within a point of the most accurate ({percent(near['score'])} against "
        f"{percent(best['score'])}) for {show(near['cost'])} instead of {show(best['cost'])}{whose}."
    )
