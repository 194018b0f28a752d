"""Which setting is best, at its best epoch and at its last."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.plots import figures
from analysis.records.schema import Objective
from analysis.report.content import Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.words.metrics import is_percentage, label_metric, say_difference, say_score, with_interval
from analysis.words.numbers import count, duration, number, numbers, whole, with_margin

_DRAWN = 15
_ROWS = 10


def ranking_chapter(evidence: Evidence) -> Section:
    """The ranking, best and last epoch side by side."""
    ranking = evidence.ranking
    blocks: list[Block] = []
    if ranking.empty:
        blocks.append(Note(text="No run was trained to its end, so nothing can be ranked.", tone="warning"))
    else:
        reading, metric = _read(evidence), label_metric(evidence.facts.objective)
        blocks.append(
            Chart(
                name="best-and-last",
                title=f"Validation {metric} at the best and at the last epoch"
                if evidence.has_curves
                else f"Validation {metric} of the best settings",
                draw=partial(figures.best_and_last, evidence, _DRAWN),
                reading=reading,
                alt=f"Validation {metric} of the best {count(min(len(ranking), _DRAWN), 'setting')}, two "
                f"marks each. {reading}",
                table="ranking",
            )
        )
        blocks.append(
            Grid(
                name="ranking",
                title="Ranking of settings",
                frame=_export(ranking, evidence),
                shown=_show(evidence),
            )
        )
    return Section(
        anchor="ranking",
        title="Ranking",
        lead="Settings with at least one completed run, by validation "
        f"{label_metric(evidence.facts.objective)}{' at the best epoch' if evidence.has_curves else ''}, "
        "averaged over replicates. "
        f"{_read_margin(evidence)}Runs that a scheduler cut short are left out. Seconds an epoch, and to "
        "the best one, leave out a run's start, in which a worker imports and compiles.",
        blocks=blocks,
    )


def _read_margin(evidence: Evidence) -> str:
    """The one meaning that the margins of accuracies have on this page, and what other metrics have."""
    objective = evidence.facts.objective
    if evidence.ranking["half_width"].isna().all():  # it is not known how many were judged
        between = objective != "val_accuracy" and evidence.knows_seeds
        return f"Intervals of {label_metric(objective)} are for other seeds. " if between else ""
    if not evidence.knows_seeds:
        own = "\u00b1 is for other texts alone: no setting has the two runs that tell of other seeds."
    else:
        is_lent = bool((evidence.ranking["n_completed"] < 2).any())
        lent = ", which settings with one run borrow from the others," if is_lent else ""
        own = f"\u00b1 is for other seeds{lent} and other texts together."
    if objective == "val_accuracy":
        return f"{own} "
    if not evidence.knows_seeds:
        return f"Of accuracy, {own} "
    return f"Intervals of {label_metric(objective)} are for other seeds alone; of accuracy, {own} "


def _read(evidence: Evidence) -> str:
    ranking, objective = evidence.ranking, evidence.facts.objective
    last, sign = f"{objective}_last", 1 if evidence.facts.maximizes else -1
    top = ranking.iloc[0]
    lost = (sign * (ranking[objective] - ranking[last])).head(_DRAWN)
    by_last = ranking.sort_values(last, ascending=sign < 0, kind="stable").iloc[0]
    say, nothing = partial(say_difference, objective), say_difference(objective, 0.0)
    if not evidence.has_curves or lost.isna().all() or pd.isna(top[last]):
        return f"The best setting reaches {say_score(objective, top[objective])}."
    sentence = (
        f"The best setting reaches {say_score(objective, top[objective])} at its best epoch and ends at "
        f"{say_score(objective, top[last])}; "
    )
    if say(lost.abs().max()) == nothing:
        sentence += "none loses anything by its last epoch" if len(lost) > 1 else "it loses nothing"
    else:
        cost = "hardly anything" if say(lost.mean()) == nothing else say(lost.mean())
        sentence += f"training on costs {cost}" + (" on average" if len(lost) > 1 else "")
    if say_score(objective, by_last[last]) != say_score(objective, top[last]):
        return f"{sentence}, and by the last epoch another setting leads: {by_last['label']}."
    return sentence + "."


def _show(evidence: Evidence) -> pd.DataFrame:
    rows = evidence.ranking.head(_ROWS)
    shown = pd.DataFrame(
        {
            "#": [f"{rank}" for rank in rows["rank"]],
            "setting": rows["label"],
            **_show_scores(rows, evidence.facts.objective),
            "runs": [f"{n}" for n in rows["n_completed"]],
            "at epoch": numbers(rows["best_epoch"], 1),
            "loss": [number(value, 3) for value in rows["val_loss"]],
            "last loss": [number(value, 3) for value in rows["val_loss_last"]],
            "weights": [whole(value) for value in rows["n_weights"]],
            "an epoch": [duration(value) for value in rows["epoch_s"]],
            "to its best": [duration(value) for value in rows["to_best_s"]],
            **({} if rows["to_best_s"].notna().any() else {"time": [duration(v) for v in rows["wall_s"]]}),
        }
    )
    if evidence.has_curves:
        return shown
    by_epoch = ["last epoch", "lost", "lost, points", "at epoch", "last loss", "an epoch", "to its best"]
    metric = label_metric(evidence.facts.objective)  # a loss has a column of its own already
    names = {name: name.removesuffix(", best epoch") for name in map(str, shown)} | {"best epoch": metric}
    return shown.drop(columns=[*by_epoch, metric], errors="ignore").rename(columns=names)


def _show_scores(rows: pd.DataFrame, objective: Objective) -> dict[str, list[str]]:
    """What settings are ranked by, at the best and at the last epoch, and their accuracy."""
    accuracy = [
        with_margin(value, half) for value, half in zip(rows["val_accuracy"], rows["half_width"], strict=True)
    ]
    best, last = rows[objective], rows[f"{objective}_last"]
    lost = best - last if objective != "val_loss" else last - best
    at_last = [say_score(objective, value) for value in last]
    if is_percentage(objective):
        lost_title, said_lost = "lost, points", [number(100 * value, 1) for value in lost]
    else:
        lost_title, said_lost = "lost", [number(value, 3) for value in lost]
    if objective == "val_accuracy":
        return {"best epoch": accuracy, "last epoch": at_last, lost_title: said_lost}
    own = [
        with_interval(objective, *values)
        for values in zip(rows["mean"], rows["low"], rows["high"], strict=True)
    ]
    return {
        f"{label_metric(objective)}, best epoch": own,
        "last epoch": at_last,
        lost_title: said_lost,
        "accuracy, best epoch": accuracy,
    }


def _export(ranking: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The ranking with columns that name the metric whose they are."""
    objective = evidence.facts.objective
    ranking = ranking.drop(columns="mean").rename(
        columns={name: f"{objective}_{name}" for name in ("sd", "low", "high")}
        | {"half_width": "val_accuracy_half_width"}
    )
    front = ["rank", "setting", "label", "n_completed", "n_replicates", "n_cut_short", "n_failed"]
    rest = [name for name in ranking.columns if name not in front and name not in evidence.study.parameters]
    return ranking[[*front, *rest, *evidence.study.parameters]]
