"""The findings of a study in sentences, each with its uncertainty."""

from __future__ import annotations

import math

from analysis.evidence import Evidence, gather
from analysis.loading import Study
from analysis.report.chapters.overfit import read_onsets
from analysis.report.content import Finding
from analysis.tables import as_records
from analysis.wording import count, percent, plus_minus, points


def summarize(study: Study) -> list[Finding]:
    """What the study found, most important first; limits of the study before its results.

    The kinds `best` and `onset` are always there: they say what is known, or that nothing is.
    """
    evidence = gather(study)
    findings = [*_limits(evidence), _best(evidence), _onset(evidence)]
    findings.extend(_baselines(evidence))
    findings.extend(_failures(evidence))
    return findings


def _limits(evidence: Evidence) -> list[Finding]:
    found = [
        Finding(text=note, tone="warning", anchor="asked")
        for note in evidence.study.notes[:1]
        if "damaged" in note
    ]
    if evidence.facts.validated_on == "test":
        text = (
            "Validation was done on the test split: its texts chose the best epoch and setting, so no "
            "accuracy here is one on unseen texts, and all are likely to flatter."
        )
        found.append(Finding(text=text, tone="warning", anchor="asked", kind="validated-on-test"))
    running = int((evidence.runs["state"] == "running").sum())
    if running:
        text = f"{count(running, 'run')} had not ended when this was written: figures may still change."
        found.append(Finding(text=text, tone="warning", anchor="failures"))
    return found


def _best(evidence: Evidence) -> Finding:
    if evidence.ranking.empty:
        text = "No run completed, so there is no best setting."
        return Finding(text=text, tone="warning", anchor="failures", kind="best")
    top = evidence.ranking.iloc[0]
    replicates = int(top["n_completed"])
    over = f"over {count(replicates, 'seed')}" if replicates > 1 else "with one seed"
    text = (
        f"Best setting: {top['label']}, with {percent(top['val_accuracy'])}{plus_minus(evidence.half_width)} "
        f"validation accuracy at its best epoch {over} (the margin is what "
        f"{count(evidence.facts.n_validation, 'text')} can tell apart), and "
        f"{percent(top['val_accuracy_last'])} at its last."
    )
    return Finding(text=text, tone="good", anchor="ranking", kind="best")


def _onset(evidence: Evidence) -> Finding:
    return Finding(text=read_onsets(evidence), anchor="overfitting", kind="onset")


def _baselines(evidence: Evidence) -> list[Finding]:
    baselines = evidence.study.baselines.dropna(subset="val_accuracy")
    if baselines.empty or evidence.ranking.empty:
        return []
    strongest = as_records(baselines.nlargest(1, "val_accuracy"))[0]
    difference = float(evidence.ranking["val_accuracy"].iloc[0] - strongest["val_accuracy"])
    margin = evidence.half_width
    if math.isnan(margin) or abs(difference) <= margin:
        verdict = f"within the split's margin of {points(margin)} of the strongest simple baseline"
    else:
        side = "above" if difference > 0 else "below"
        verdict = f"{points(abs(difference))} {side} the strongest simple baseline"
    text = f"The best setting lies {verdict}, {strongest['name']} with {percent(strongest['val_accuracy'])}."
    return [
        Finding(
            text=text, tone="plain" if difference > margin else "warning", anchor="ranking", kind="baseline"
        )
    ]


def _failures(evidence: Evidence) -> list[Finding]:
    lost = int(evidence.runs["state"].isin(["failed", "diverged", "timeout"]).sum())
    if not lost:
        return []
    text = f"{lost:,} of {count(len(evidence.runs), 'run')} failed, diverged or ran out of time."
    return [Finding(text=text, tone="warning", anchor="failures", kind="failures")]
