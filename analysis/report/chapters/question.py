"""What was asked: the data, the space, the search, the machine."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.records.nodes import find_odd_nodes, read_odd_node
from analysis.records.provenance import find_changes, read_change
from analysis.report.content import Block, Grid, Note, Section
from analysis.statistics.boundaries import read_domains
from analysis.statistics.evidence import Evidence
from analysis.words.domains import label_domain
from analysis.words.labels import label_factor, label_level, label_value
from analysis.words.metrics import label_metric
from analysis.words.numbers import count, duration, listing, whole
from search_spaces import Choice, Domain

_MAX_TEXT = 160
_MAX_LISTED = 12
_MANY = 8
"""Values beyond which a range stands for them."""


def question_chapter(evidence: Evidence) -> Section:
    """What the study was, and what was tried of what was asked."""
    blocks: list[Block] = [
        _pairs_grid("asked", "The study", _study_pairs(evidence)),
        _space_grid(evidence),
    ]
    manifest = _flatten(evidence.study.manifest)
    if manifest:
        blocks.append(_pairs_grid("manifest", "What it ran on", manifest, limit=40))
    changes = find_changes(evidence.study.manifest, evidence.study.trials)
    odd_nodes = find_odd_nodes(evidence.study.manifest, evidence.study.trials)
    said = [*map(read_change, changes), *map(read_odd_node, odd_nodes), *evidence.study.notes]
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
    texts = {
        "texts from": facts.source,
        "classes": f"{len(facts.classes)}: {listing(list(facts.classes), 12)}",
        "trained on": count(facts.n_train, "text"),
        "validated on": f"{count(facts.n_validation, 'text')} of the {facts.validated_on} split",
        "test split": _describe_test(evidence),
    }
    others = {"runs of": f"{facts.made_by}: {facts.source}"}
    pairs = {
        **(others if facts.made_by else texts),
        "objective": f"{label_metric(facts.objective)} ({facts.objective})",
        "epochs at most": whole(facts.max_epochs),
        "design": "" if facts.made_by else facts.design,
        "sampler": facts.sampler or "",
        "scheduler": "" if facts.made_by else facts.scheduler or "none",
        "study seed": "" if facts.made_by else str(facts.study_seed),
        "trials": f"{trials['trial'].nunique():,}, {count(len(trials), 'replicate')} in all",
        "training time": f"{duration(trials['wall_s'].sum(min_count=1))}, all runs added up",
    }
    return {name: text for name, text in pairs.items() if text}


def _describe_test(evidence: Evidence) -> str:
    facts = evidence.facts
    if facts.validated_on == "test":
        return "none is left: it validated"
    if not facts.n_test:
        return "none"
    n_opened = len(evidence.study.manifest.get("data", {}).get("test_openings", []))
    if not n_opened and evidence.fresh["test_accuracy"].isna().all():
        return f"{count(facts.n_test, 'text')}, sealed: read once settings are confirmed"
    times = f"{n_opened} times" if n_opened > 1 else "once"
    return f"{count(facts.n_test, 'text')}, opened {times}, for settings that were confirmed"


def _space_grid(evidence: Evidence) -> Grid:
    """The space as its document states it, and beside it what the records hold of it."""
    rows = [_compare_with_space(evidence, name, domain) for name, domain in _asked(evidence).items()]
    frame = pd.DataFrame(rows, columns=["parameter", "asked", "tried", "never drawn"], dtype=object)
    reading = read_never_drawn(evidence)
    return Grid(
        name="space", title="The space, and what was tried of it", frame=frame, shown=frame, reading=reading
    )


def _asked(evidence: Evidence) -> dict[str, Domain | None]:
    """Domain of each parameter that was tried or asked for, in the records' order; None if not known."""
    domains = read_domains(evidence.facts.space)
    return {name: domains.get(name) for name in dict.fromkeys([*evidence.study.parameters, *domains])}


def _compare_with_space(evidence: Evidence, name: str, domain: Domain | None) -> tuple[str, ...]:
    trials = evidence.study.trials
    tried = _describe_tried(name, trials[name]) if name in trials else "nothing"
    never = listing([label_value(name, value) for value in _never_drawn(trials, name, domain)])
    return label_factor(name), "" if domain is None else label_domain(name, domain), tried, never


def _describe_tried(name: str, column: pd.Series[Any]) -> str:
    known = column.dropna()
    values = sorted(known.unique().tolist(), key=lambda value: (isinstance(value, str), value))
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not values:
        text = "nothing"
    elif numeric and len(values) > _MANY:
        text = f"{label_value(name, values[0])} to {label_value(name, values[-1])}, {len(values)} values"
    else:
        text = listing([label_value(name, value) for value in values], _MAX_LISTED)
    unset = int(column.isna().sum())
    return text + (f"; not set in {count(unset, 'run')}" if unset else "")


def _never_drawn(trials: pd.DataFrame, name: str, domain: Domain | None) -> list[Any]:
    """The choices of a parameter that no trial was given."""
    if not isinstance(domain, Choice):
        return []
    # By their words: a column with gaps holds 16 as 16.0.
    tried = (
        {label_value(name, value) for value in trials[name].dropna().unique()} if name in trials else set()
    )
    return [value for value in domain.choices if label_value(name, value) not in tried]


def read_never_drawn(evidence: Evidence) -> str:
    """Which choices no trial was given though there were trials enough for all; nothing if there are none."""
    trials = evidence.study.trials
    n_trials = trials["trial"].nunique()
    missing = [
        label_level(name, value)
        for name, domain in _asked(evidence).items()
        if isinstance(domain, Choice) and len(domain.choices) <= n_trials
        for value in _never_drawn(trials, name, domain)
    ]
    if not missing:
        return ""
    text = listing(missing)
    be = "was" if len(missing) == 1 else "were"
    return f"{text[0].upper()}{text[1:]} {be} never drawn: of what was not tried, nothing is known."


def _flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """A nested document as `a.b.c: text`, parts of lists by number, plain lists in one line."""
    if isinstance(value, dict):
        merged: dict[str, str] = {}
        for key, item in value.items():
            merged |= _flatten(item, f"{prefix}.{key}" if prefix else str(key))
        return merged
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return _flatten({str(number): item for number, item in enumerate(value, start=1)}, prefix)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A tab, or whatever else nobody sees, by its name in quotes.
    if isinstance(value, str) and (value != value.strip() or not value.isprintable()):
        text = json.dumps(value)
    return {prefix: text} if prefix else {}
