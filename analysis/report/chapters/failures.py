"""Runs that did not complete, and why."""

from __future__ import annotations

import re

import pandas as pd

from analysis.report.content import Block, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.words.numbers import count, listing

_LABELS = {
    "failed": "failed",
    "diverged": "diverged: the loss was no longer a number",
    "timeout": "ran out of time",
    "pruned": "stopped early by the scheduler",
    "running": "interrupted or still running",
}

_NUMBERED = r"\b(epoch|rung|trial) (\d+)"
_PLACE = "\u2026"
"""Where a number stood."""


def failures_chapter(evidence: Evidence) -> Section:
    """What ended otherwise than by completing, with reasons and the settings concerned."""
    runs = evidence.runs[evidence.runs["state"] != "completed"]
    blocks: list[Block] = []
    if runs.empty:
        blocks.append(Note(text=f"None: {_all_completed(len(evidence.runs))}."))
    else:
        reasons = runs["reason"].fillna("no reason was recorded").astype(str)
        table = runs.assign(reason=reasons, general=_general(reasons))
        grouped = table.groupby(["state", "general"], sort=False)
        frame = pd.DataFrame(
            {
                "n_runs": grouped.size(),
                "reason": grouped["reason"].agg(_specify),
                "settings": grouped["label"].agg(lambda labels: "; ".join(sorted(set(labels))[:20])),
                "trials": grouped["trial"].agg(
                    lambda trials: listing([str(t) for t in sorted(set(trials))], 8)
                ),
            }
        ).reset_index()
        frame = frame[["state", "reason", "n_runs", "settings", "trials"]]
        frame = frame.sort_values("n_runs", ascending=False, kind="stable")
        shown = pd.DataFrame(
            {
                "runs": [f"{n:,}" for n in frame["n_runs"]],
                "how it ended": [_LABELS.get(state, state) for state in frame["state"]],
                "reason": [reason[:200] for reason in frame["reason"]],
                "trials": frame["trials"],
            }
        )
        blocks.append(
            Grid(
                name="not-completed",
                title="Runs that did not complete",
                frame=frame,
                shown=shown,
                reading=_read(runs),
            )
        )
    return Section(
        anchor="failures",
        title="Failures" if runs.empty else _title(set(runs["state"])),
        short="Failures" if runs.empty or set(runs["state"]) - {"pruned"} else "Stopped",
        lead="Runs that ended early are never compared as if they had run to the end.",
        blocks=blocks,
    )


def _title(states: set[str]) -> str:
    """Runs that a scheduler stopped are no failures: that is what it is for."""
    if states == {"pruned"}:
        return "Runs that were stopped"
    return "Failures and stopped runs" if "pruned" in states else "Failures"


def _all_completed(n: int) -> str:
    return "the run completed" if n == 1 else f"all {n:,} runs completed" if n else "there are no runs"


def _general(reasons: pd.Series[str]) -> pd.Series[str]:
    """Reasons without the numbers of single runs, so that alike ones are counted together."""
    return reasons.str.replace(_NUMBERED, rf"\1 {_PLACE}", regex=True)


def _specify(reasons: pd.Series[str]) -> str:
    """One reason for alike ones: `stopped by the scheduler after epoch 2 to 4`."""
    found = [[int(number) for _, number in re.findall(_NUMBERED, reason)] for reason in reasons]
    said = str(_general(reasons).iloc[0])
    for numbers in zip(*found, strict=True):
        low, high = min(numbers), max(numbers)
        said = said.replace(_PLACE, f"{low}" if low == high else f"{low} to {high}", 1)
    return said


def _read(runs: pd.DataFrame) -> str:
    counts = runs["state"].value_counts()
    parts = [
        f"{count(int(n), 'run')} {_LABELS.get(str(state), str(state)).split(':')[0]}"
        for state, n in counts.items()
    ]
    return f"{listing(parts)}."
