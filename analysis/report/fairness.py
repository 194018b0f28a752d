"""Whether studies can be compared like for like: their texts, their metrics, what was asked of them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.records.files import as_records
from analysis.records.loading import Study
from analysis.report.content import Block, Finding, Grid, Note
from analysis.statistics.evidence import Evidence
from analysis.statistics.verdicts.fairness import Difference, find_differences
from analysis.words.metrics import label_metric, say_score
from analysis.words.numbers import listing

_MOST_NAMED = 4
"""Differences up to which a finding tells what each study has; the table always does."""


def warn_of_unlike(evidence: Mapping[str, Evidence]) -> list[Finding]:
    """All that keeps studies from being compared like for like."""
    found = []
    if len({texts_that_judge(own.study) for own in evidence.values()}) > 1:
        is_foreign = any(own.facts.made_by for own in evidence.values())
        same = "what is known to be the same data" if is_foreign else "the same texts"
        text = f"The studies were not judged on {same}, which may be all the difference."
        found.append(Finding(text=text, tone="warning", anchor="studies"))
    tested = [name for name, own in evidence.items() if own.facts.validated_on == "test"]
    if tested:
        text = (
            f"Validated on the test split: {listing(tested)}. Their accuracies are not those on unseen texts."
        )
        found.append(Finding(text=text, tone="warning", anchor="studies"))
    judged = {name: own.facts.objective for name, own in evidence.items()}
    others = [f"{name} ({label_metric(goal)})" for name, goal in judged.items() if goal != "val_accuracy"]
    if others:
        text = (
            f"The best setting is the best by another metric than accuracy in {listing(others)}; all figures "
            "and comparisons here are by accuracy."
        )
        found.append(Finding(text=text, anchor="studies"))
    epochs = {own.facts.max_epochs for own in evidence.values()}
    if len(epochs) > 1:
        said = listing([str(n) for n in sorted(epochs)])
        text = f"The studies trained for different numbers of epochs: {said}."
        found.append(Finding(text=text, tone="warning", anchor="studies"))
    differences = [own for own in _differences(evidence) if own.is_of_runs and own.what != "epochs"]
    if differences:
        is_short = len(differences) <= _MOST_NAMED
        named = [str(own) if is_short else own.what for own in differences]
        text = (
            f"What the studies differ in: {listing(named, 12)}{'' if is_short else ': the table says how'}."
        )
        found.append(Finding(text=text, tone="warning", anchor="studies", kind="differences"))
    return found


def warn_of_missing(evidence: Mapping[str, Evidence]) -> list[Finding]:
    """Who cannot be compared by accuracy, and what there is instead."""
    parts = []
    for name, own in evidence.items():
        if not own.ranking.empty and own.ranking["val_accuracy"].isna().iloc[0]:
            top, metric = as_records(own.ranking.head(1))[0], own.facts.objective
            what = f"validation {label_metric(metric)}"
            parts.append(f"{name} (best {what} {say_score(metric, top['mean'])}, {top['label']})")
    if not parts:
        return []
    text = f"Studies are compared by accuracy, which was not recorded in {listing(parts)}."
    return [Finding(text=text, tone="warning", anchor="studies", kind="no-accuracy")]


def texts_that_judge(study: Study) -> tuple[object, ...]:
    """What says which texts a study was judged on: equal of two studies, these are the same."""
    facts, data = study.facts, study.spec.get("data")
    cut = data if isinstance(data, dict) else {}
    return (
        facts.source,
        _fingerprint(study),
        facts.classes,
        facts.n_validation,
        facts.validated_on,
        *(cut.get(name) for name in ("split_seed", "validation_fraction", "test_fraction")),
    )


def _fingerprint(study: Study) -> str:
    """The digest of a study's texts; nothing where the records hold none."""
    return str(study.manifest.get("data", {}).get("fingerprint", ""))


def _differences(evidence: Mapping[str, Evidence]) -> list[Difference]:
    prints = {name: _fingerprint(own.study) for name, own in evidence.items()}
    known = {name: text for name, text in prints.items() if text}
    return find_differences({name: own.facts for name, own in evidence.items()}, known)


def difference_block(evidence: Mapping[str, Evidence]) -> Block:
    """All in which the specs differ that bears on results, a row each."""
    differences = _differences(evidence)
    if not differences:
        return Note(text="The studies differ in nothing that was asked and that bears on their results.")
    frame = pd.DataFrame([{"what": own.what, **own.values} for own in differences], dtype=object)
    reading = (
        "Verdicts are over shared settings, which settles what bears on which were tried, and how often; "
        "what bears on a run is not settled."
    )
    return Grid(name="differences", title="In what they differ", frame=frame, shown=frame, reading=reading)
