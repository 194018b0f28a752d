"""What was asked: the data, the space, the search, the machine."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.records.provenance import find_changes, read_change
from analysis.report.content import Block, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.words.labels import label_factor, label_value
from analysis.words.numbers import count, duration, listing, whole

_MAX_TEXT = 160


def asked_chapter(evidence: Evidence) -> Section:
    """What the study was, in two tables."""
    blocks: list[Block] = [
        _pairs_grid("asked", "The study", _study_pairs(evidence)),
        _pairs_grid("space", "The space", _space_pairs(evidence)),
    ]
    manifest = _flatten(evidence.study.manifest)
    if manifest:
        blocks.append(_pairs_grid("manifest", "What it ran on", manifest, limit=40))
    changes = find_changes(evidence.study.manifest, evidence.study.trials)
    said = [*map(read_change, changes), *evidence.study.notes]
    blocks.extend(Note(text=text, tone="warning") for text in said)
    return Section(anchor="asked", title="What was asked", short="Setup", blocks=blocks)


def _pairs_grid(name: str, title: str, pairs: dict[str, str], limit: int = 40) -> Grid:
    frame = pd.DataFrame({"what": list(pairs), "value": list(pairs.values())}, dtype=object)
    shown = frame.assign(value=[_shorten(text) for text in pairs.values()])
    return Grid(name=name, title=title, frame=frame, shown=shown, limit=limit)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _study_pairs(evidence: Evidence) -> dict[str, str]:
    facts = evidence.facts
    trials = evidence.study.trials
    pairs = {
        "texts from": facts.source,
        "classes": f"{len(facts.classes)}: {listing(list(facts.classes), 12)}",
        "trained on": count(facts.n_train, "text"),
        "validated on": f"{count(facts.n_validation, 'text')} of the {facts.validated_on} split",
        "test split": _describe_test(evidence),
        "objective": facts.objective,
        "epochs at most": whole(facts.max_epochs),
        "design": facts.design,
        "sampler": facts.sampler or "",
        "scheduler": facts.scheduler or "none",
        "study seed": str(facts.study_seed),
        "trials": f"{trials['trial'].nunique():,}, {count(len(trials), 'replicate')} in all",
        "training time": f"{duration(trials['wall_s'].sum(min_count=1))}, all runs added up",
    }
    return {name: text for name, text in pairs.items() if text}


def _describe_test(evidence: Evidence) -> str:
    facts = evidence.facts
    if facts.validated_on == "test":
        return "none is left: it validated"
    return f"{count(facts.n_test, 'text')}, read once settings are confirmed" if facts.n_test else "none"


def _space_pairs(evidence: Evidence) -> dict[str, str]:
    """The space as its document states it; what the records add is which values were really tried."""
    trials = evidence.study.trials
    pairs = {}
    for name in evidence.study.parameters:
        known = trials[name].dropna()
        values = sorted(known.unique().tolist(), key=lambda value: (isinstance(value, str), value))
        if not values:
            continue
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        if numeric and len(values) > 8:
            text = f"{label_value(name, values[0])} to {label_value(name, values[-1])}, {len(values)} values"
        else:
            text = listing([label_value(name, value) for value in values], 12)
        unset = int(trials[name].isna().sum())
        pairs[label_factor(name)] = text + (f"; not set in {count(unset, 'run')}" if unset else "")
    return pairs


def _flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """A nested document as `a.b.c: text`, parts of lists by number, plain lists in one line."""
    if isinstance(value, dict):
        merged: dict[str, str] = {}
        for key, item in value.items():
            merged |= _flatten(item, f"{prefix}.{key}" if prefix else str(key))
        return merged
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return _flatten({str(place): item for place, item in enumerate(value, start=1)}, prefix)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {prefix: text} if prefix else {}
