"""How often stopping a run was wrong."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.records.files import as_records
from analysis.report.content import Grid, Section
from analysis.statistics.evidence import Evidence
from analysis.words.metrics import is_percentage, label_metric, say_difference, say_score
from analysis.words.numbers import count, percent


def audited_chapter(evidence: Evidence) -> Section | None:
    """The stopped runs that were finished, best first; None where none was."""
    table = evidence.audit
    if table.empty:
        return None
    return Section(
        anchor="audit",
        title="Pruning audit",
        lead="Stopped runs drawn by lot and trained to their end after all, each under its own seed. They "
        "chose nothing, and no other figure of this report counts them.",
        blocks=[
            Grid(
                name="pruning-audit",
                title="Stopped runs, finished",
                frame=table,
                shown=_show(evidence),
                reading=read_audit(evidence),
            )
        ],
    )


def read_audit(evidence: Evidence) -> str:
    """How often a stopped run would have ended above all completed ones, and by how much at most."""
    (row,) = as_records(evidence.audit_summary)
    audited, stopped = int(row["n_audited"]), count(int(row["n_pruned"]), "stopped run")
    were = "was" if audited == 1 else "were"
    if not row["n_finished"]:
        return f"Of {stopped}, {audited} {were} audited; none can be judged, for too little completed."
    finished, wrong = int(row["n_finished"]), int(row["n_wrong"])
    left = "" if finished == audited else f" ({audited - finished} did not complete)"
    text = (
        f"Of {stopped}, {audited} {were} trained to the end after all{left}: {wrong} of {finished} would "
        f"have ended above the best completed run ({percent(row['share'], 0)}; with 95% confidence "
        f"{percent(row['low'], 0)} to {percent(row['high'], 0)} of all stopped runs)"
    )
    return f"{text}, at most {_say_regret(evidence, row['regret'])} above it." if wrong else f"{text}."


def _say_regret(evidence: Evidence, regret: float) -> str:
    objective = evidence.facts.objective
    said = say_difference(objective, regret)
    return said if is_percentage(objective) else f"{said} of validation {label_metric(objective)}"


def _show(evidence: Evidence) -> pd.DataFrame:
    rows = as_records(evidence.audit)
    say = partial(say_score, evidence.facts.objective)
    return pd.DataFrame(
        {
            "setting": [row["label"] for row in rows],
            "stopped after": [f"{row['stopped_after']:.0f}" for row in rows],
            "best when stopped": [say(row["when_stopped"]) for row in rows],
            "best at the end": [
                row["state"] if pd.isna(row["finished"]) else say(row["finished"]) for row in rows
            ],
            "best completed run": [
                "" if pd.isna(row["best_completed"]) else say(row["best_completed"]) for row in rows
            ],
            "place among completed": ["" if pd.isna(row["place"]) else f"{row['place']:.0f}" for row in rows],
        }
    )
