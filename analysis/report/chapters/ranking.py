"""Which setting is best, at its best epoch and at its last."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.plots import figures
from analysis.report.content import Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.words.metrics import label_metric
from analysis.words.numbers import duration, number, numbers, percent, points, whole, with_margin

_DRAWN = 15
_ROWS = 10
_ROUNDED = 0.0005
"""Share that is no tenth of a point."""


def ranking_chapter(evidence: Evidence) -> Section:
    """The ranking, best and last epoch side by side."""
    ranking = evidence.ranking
    blocks: list[Block] = []
    if ranking.empty:
        blocks.append(Note(text="No run was trained to its end, so nothing can be ranked.", tone="warning"))
    else:
        reading = _read(ranking)
        blocks.append(
            Chart(
                name="best-and-last",
                title="Validation accuracy at the best and at the last epoch",
                draw=partial(figures.best_and_last, evidence, _DRAWN),
                reading=reading,
                alt=f"Validation accuracy of the best {min(len(ranking), _DRAWN)} settings, two marks each. "
                + reading,
                table="ranking",
            )
        )
        blocks.append(
            Grid(
                name="ranking",
                title="Ranking of settings",
                frame=_export(ranking, evidence),
                shown=_show(ranking),
            )
        )
    return Section(
        anchor="ranking",
        title="Ranking",
        lead="Settings with at least one completed run, by validation "
        f"{label_metric(evidence.facts.objective)} at the best epoch, averaged over replicates. "
        f"{_read_margin(evidence)} Runs that a scheduler cut short are left out. Seconds an epoch, and to "
        "the best one, leave out a run's start, in which a worker imports and compiles.",
        blocks=blocks,
    )


def _read_margin(evidence: Evidence) -> str:
    """The one meaning that the margins of accuracies have on this page."""
    if not evidence.knows_seeds:
        return "\u00b1 is for other texts alone: no setting has the two runs that tell of other seeds."
    is_lent = bool((evidence.ranking["n_completed"] < 2).any())
    lent = ", which settings with one run borrow from the others" if is_lent else ""
    return f"\u00b1 is for other seeds{lent} and other texts together."


def _read(ranking: pd.DataFrame) -> str:
    top = ranking.iloc[0]
    lost = (ranking["val_accuracy"] - ranking["val_accuracy_last"]).head(_DRAWN)
    by_last = ranking.sort_values("val_accuracy_last", ascending=False).iloc[0]
    sentence = (
        f"The best setting reaches {percent(top['val_accuracy'])} at its best epoch and ends at "
        f"{percent(top['val_accuracy_last'])}; "
    )
    if lost.abs().max() < _ROUNDED:
        sentence += "none loses anything by its last epoch" if len(lost) > 1 else "it loses nothing"
    else:
        sentence += f"training on costs {points(lost.mean())}" + (" on average" if len(lost) > 1 else "")
    if len(ranking) > 1 and by_last["setting"] != top["setting"]:
        return f"{sentence}, and by the last epoch another setting leads: {by_last['label']}."
    return sentence + "."


def _show(ranking: pd.DataFrame) -> pd.DataFrame:
    rows = ranking.head(_ROWS)
    return pd.DataFrame(
        {
            "#": [f"{rank}" for rank in rows["rank"]],
            "setting": rows["label"],
            "best epoch": [
                with_margin(value, half)
                for value, half in zip(rows["val_accuracy"], rows["half_width"], strict=True)
            ],
            "last epoch": [percent(value) for value in rows["val_accuracy_last"]],
            "lost, points": [
                number(100 * value, 1) for value in rows["val_accuracy"] - rows["val_accuracy_last"]
            ],
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


def _export(ranking: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    front = ["rank", "setting", "label", "n_completed", "n_replicates", "n_cut_short", "n_failed"]
    rest = [name for name in ranking.columns if name not in front and name not in evidence.study.parameters]
    return ranking[[*front, *rest, *evidence.study.parameters]]
