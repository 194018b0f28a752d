"""What the small multiples of learning curves show, chosen from the evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.plots.curves import Panel
from analysis.records.schema import RUN_KEY
from analysis.statistics.evidence import Evidence
from analysis.words.labels import CELLS


def curve_panels(evidence: Evidence, limit: int) -> list[Panel]:
    """The best settings' curves; where nothing completed, those of the longest runs."""
    order = evidence.ranking["setting"].tolist()
    if not order:
        longest = evidence.searched.sort_values("epochs_run", ascending=False, kind="stable")
        order = longest["setting"].drop_duplicates().tolist()
    keys = evidence.searched[[*RUN_KEY, "setting", "state"]]
    judged = evidence.overfitting.merge(keys, on=list(RUN_KEY))
    if not evidence.ranking.empty:
        # A run that was stopped peaks early because it was stopped.
        judged = judged[judged["state"] == "completed"]
    panels = [_panel(evidence, setting, judged[judged["setting"] == setting]) for setting in order[:limit]]
    return [panel for panel in panels if not panel.epochs.empty]


def _panel(evidence: Evidence, setting: int, judged: pd.DataFrame) -> Panel:
    epochs = evidence.epochs[evidence.epochs["setting"] == setting]
    if not evidence.ranking.empty:
        epochs = epochs[epochs["state"] == "completed"]
    row = evidence.runs[evidence.runs["setting"] == setting].iloc[0]
    most_overfit = judged["onset_epoch"].notna().mean() > 0.5
    return Panel(
        title=str(row["label"]),
        cell=str(row.get("cell", "")),
        epochs=epochs.assign(replicate=epochs.groupby(list(RUN_KEY)).ngroup()),
        best_epoch=_lower_median(judged["best_epoch"]),
        onset=_lower_median(judged["onset_epoch"]) if most_overfit else None,
    )


def _lower_median(epochs: pd.Series[float]) -> float | None:
    """An epoch that was run: the lower of the two in the middle."""
    known = epochs.dropna().astype(float)
    return None if known.empty else float(np.quantile(known, 0.5, method="lower"))


def best_trial_by_cell(evidence: Evidence) -> dict[str, int]:
    """The trial with the best objective of each cell type, completed runs only, in the order of figures."""
    if "cell" not in evidence.completed or evidence.completed.empty:
        return {}
    ordered = evidence.completed.dropna(subset="cell")
    ordered = ordered.sort_values("score", ascending=not evidence.facts.maximizes, kind="stable")
    leaders = ordered.drop_duplicates("cell").set_index("cell")["trial"]
    known = [cell for cell in CELLS if cell in leaders.index]
    return {cell: int(leaders[cell]) for cell in [*known, *sorted(set(leaders.index) - set(known), key=str)]}
