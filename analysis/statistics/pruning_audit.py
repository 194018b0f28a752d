"""How often the scheduler stopped a run that would have come out on top: stopped runs, finished after all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.records.schema import Objective
from analysis.statistics.intervals import LEVEL, wilson_interval
from analysis.statistics.settings import scored_runs, with_settings

AUDIT_COLUMNS = (
    "setting",
    "trial",
    "seed",
    "state",
    "stopped_after",
    "when_stopped",
    "finished",
    "best_completed",
    "place",
    "regret",
)


def audit_by_run(trials: pd.DataFrame, objective: Objective = "val_accuracy") -> pd.DataFrame:
    """Compare each audited run with the runs that the search completed.

    An audited run has the setting and seed of the stopped one, so that it is this run, finished.

    Args:
        trials: As in `Study.trials`.
        objective: What the scheduler judged by.

    Returns:
        One row per audited run, best first: `setting, trial, seed, state, stopped_after` (epochs),
        `when_stopped` (its best objective then), `finished` (its best objective at the end, NaN unless it
        completed), `best_completed` (of the search), `place` (that it would have taken among the completed
        runs of the search, 1 above all; ties behind), `regret` (how much better than the best completed one
        it would have been, 0 where it would not).
    """
    sign = -1.0 if objective == "val_loss" else 1.0
    runs = with_settings(trials)
    audited = runs[runs["phase"] == "audit"]
    ended = scored_runs(runs, objective, phase="audit")["score"]
    stopped = runs[(runs["phase"] == "search") & (runs["state"] == "pruned")]
    stopped = stopped.drop_duplicates(["trial", "seed"]).set_index(["trial", "seed"])
    completed = sign * scored_runs(runs, objective, phase="search")["score"].to_numpy(dtype=float)
    best = completed.max() if len(completed) else np.nan
    table = audited[["setting", "trial", "seed", "state"]].join(
        stopped[["epochs_run", objective]].rename(
            columns={"epochs_run": "stopped_after", objective: "when_stopped"}
        ),
        on=["trial", "seed"],
    )
    finished = sign * ended.reindex(table.index)
    place = 1.0 + (completed[None, :] >= finished.to_numpy()[:, None]).sum(axis=1)
    table = table.assign(
        finished=sign * finished,
        best_completed=sign * best,
        place=np.where(finished.notna() & np.isfinite(best), place, np.nan),
        regret=(finished - best).clip(lower=0.0),
    )
    return table.sort_values("place", kind="stable", ignore_index=True)[list(AUDIT_COLUMNS)]


def summarize_audit(trials: pd.DataFrame, audit: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
    """Say of all audited runs how often stopping was wrong: the run would have ended above all completed.

    Audited runs are drawn by lot, so that their share estimates that of all stopped runs.

    Args:
        trials: As in `Study.trials`.
        audit: As `audit_by_run` gives it.
        level: Coverage of the interval.

    Returns:
        One row, none without an audit: `n_pruned` (runs that the search stopped), `n_audited`, `n_finished`,
        `n_wrong, share, low, high` (Wilson's interval, of those finished), `regret` (the largest).
    """
    if audit.empty:
        return pd.DataFrame()
    known = audit[audit["place"].notna()]
    n_wrong, n_known = int((known["place"] == 1).sum()), len(known)
    low, high = wilson_interval(n_wrong, n_known, level)
    is_pruned = (trials["phase"] == "search") & (trials["state"] == "pruned")
    row = {
        "n_pruned": int(is_pruned.sum()),
        "n_audited": len(audit),
        "n_finished": n_known,
        "n_wrong": n_wrong,
        "share": n_wrong / n_known if n_known else np.nan,
        "low": float(low),
        "high": float(high),
        "regret": known["regret"].max(),
    }
    return pd.DataFrame([row])
