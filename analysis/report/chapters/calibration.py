"""Whether models are right as often as they say."""

from __future__ import annotations

from functools import partial

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import Block, Chart, Note
from analysis.statistics.evidence import Evidence
from analysis.words.metrics import label_metric
from analysis.words.numbers import percent, points


def calibration_blocks(evidence: Evidence) -> list[Block]:
    """The reliability curve of the best run of each cell, or why there is none."""
    table = evidence.calibration
    if table.empty:
        text = (
            "No validation predictions were kept for completed runs, so nothing can be said of calibration."
        )
        return [Note(text=text)]
    reading = read_calibration(evidence)
    return [
        Chart(
            name="reliability",
            title="Is it right as often as it says?",
            draw=partial(figures.reliability, evidence),
            reading=reading,
            alt=f"Accuracy against confidence. {reading}",
            table="reliability",
            wide=False,
        )
    ]


def read_calibration(evidence: Evidence) -> str:
    """Whether the best run with kept predictions is as sure as it may be."""
    row = as_records(evidence.calibration.head(1))[0]
    whose, sure, right = (
        _name_run(evidence, row["label"]),
        percent(row["confidence"]),
        percent(row["accuracy"]),
    )
    says = f"At its best epoch, {whose} is {sure} sure on average and right on {right} of the texts"
    error = (
        f"calibration error {points(row['ece'])}, {points(row['ece_if_calibrated'])} if it were calibrated"
    )
    if row["ece"] <= row["ece_if_calibrated_high"]:
        return f"{says}: as well calibrated as this many texts can show ({error})."
    kind = "too sure" if row["overconfidence"] > 0 else "not sure enough"
    return f"{says}: {kind} by {points(abs(row['overconfidence']))} ({error})."


def _name_run(evidence: Evidence, label: str) -> str:
    """The setting, and that one run of several is meant, whose accuracy is not the setting's mean."""
    n_runs = int((evidence.completed["label"] == label).sum())
    if n_runs == 1:
        return label
    return f"one run of {label}, the best of {n_runs} by {label_metric(evidence.facts.objective)},"
