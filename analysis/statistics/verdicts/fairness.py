"""In what studies differ that are compared: by their specs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.records.schema import StudyFacts
from analysis.statistics.boundaries import read_domains
from analysis.words.domains import label_domain
from analysis.words.labels import label_factor
from analysis.words.numbers import listing, percent

NOT_KNOWN = "not known"

_WORDS = {
    "seed": "study seed",
    "seeds": "seeds of each setting",
    "margin": "points under which nobody would act",
    "model": "model of one's own",
    "data.test": "file of the test split",
    "data.text": "column of the texts",
    "data.label": "column of the labels",
    "data.split": "column of the splits",
    "data.class_names": "file of class names",
    "data.validation_fraction": "share that validates",
    "data.test_fraction": "share sealed as test",
    "data.split_seed": "seed of the splits",
    "data.rare_classes.below": "texts below which a class is rare",
    "data.rare_classes.do": "rare classes",
    "data.padding": "side that is filled",
    "data.truncation": "side that is cut",
    "training.patience": "epochs of patience",
    "training.class_weight": "class weights",
    "training.cells": "compiled cells",
    "resources.trial_timeout_s": "seconds after which a trial is killed",
}
"""For what a spec asks; what is not named here is said by its own key."""

_NO_MATTER = (
    "name", "description", "keep_models", "warm_start", "space", "objective", "data.source",
    "data.validate_on", "data.limit_train", "data.limit_validation", "data.limit_test", "training.max_epochs",
    "training.gradients", "design.kind", "resources.cpus_per_trial", "resources.gpus_per_trial",
    "resources.max_workers", "resources.time_budget_s", "resources.retries",
)  # fmt: skip
"""What bears on no result, and what the facts say better."""

_OF_STUDY = ("seeds", "margin", "design", "space")
"""What bears on which settings were tried and how often, not on what one setting reaches."""

Texts = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing in which studies differ.

    Attributes:
        what: In words.
        values: What each study has, by its name.
        is_of_runs: Whether the same setting may score otherwise for it, so that a comparison is not fair.
    """

    what: str
    values: Texts
    is_of_runs: bool

    def __str__(self) -> str:
        """What it is, with what the studies have: `class weights (none in a and b; balanced in c)`."""
        whose: dict[str, list[str]] = {}
        for name, value in self.values.items():
            whose.setdefault(value, []).append(name)
        return f"{self.what} ({'; '.join(f'{value} in {listing(names)}' for value, names in whose.items())})"


def find_differences(facts: Mapping[str, StudyFacts], texts: Texts | None = None) -> list[Difference]:
    """Compare what was asked of studies: the texts first, then how runs were trained, then the space.

    Args:
        facts: By name of the study.
        texts: Fingerprints of their texts, where they are known: one name may stand for several files.
    """
    asked = {name: dict(_ask(own)) for name, own in facts.items()}
    found = []
    if len({own.source for own in facts.values()}) == 1 and len(set((texts or {}).values())) > 1:
        prints = {name: f"{(texts or {}).get(name, NOT_KNOWN)[:8]} ..." for name in facts}
        found.append(Difference(what="content of the texts", values=prints, is_of_runs=True))
    for key in dict.fromkeys(key for own in asked.values() for key in own):
        if not all(key in own for own in asked.values()):
            continue  # a spec of an older release, or another design, which is told by its kind
        values = {name: own[key] for name, own in asked.items()}
        if len(set(values.values())) > 1:
            found.append(Difference(what=_name(key), values=values, is_of_runs=_is_of_runs(key)))
    return found


def _name(key: str) -> str:
    if key.startswith("space."):
        return label_factor(key.removeprefix("space."))
    return _WORDS.get(key, key.replace("_", " "))


def _is_of_runs(key: str) -> bool:
    return key.split(".")[0] not in _OF_STUDY


def _ask(facts: StudyFacts) -> Iterator[tuple[str, str]]:
    yield "source of the texts", facts.source
    yield "classes", f"{len(facts.classes)}: {listing(list(facts.classes))}"
    yield "training texts", f"{facts.n_train:,}"
    yield "validation texts", f"{facts.n_validation:,}"
    yield "split that validates", facts.validated_on
    yield "objective", facts.objective.replace("val_", "validation ").replace("_", " ")
    yield "epochs", f"{facts.max_epochs}"
    yield from _flatten({name: value for name, value in facts.spec.items() if name != "design"}, facts)
    yield "design", facts.design
    yield from _flatten(facts.spec.get("design", {}), facts, "design")
    for name, domain in read_domains(facts.space).items():
        yield f"space.{name}", label_domain(name, domain)


def _flatten(value: Any, facts: StudyFacts, prefix: str = "") -> Iterator[tuple[str, str]]:
    """What a spec asks that bears on results, by `a.b.c`."""
    if prefix in _NO_MATTER or (prefix == "data.recall" and facts.source != "recall"):
        return
    if isinstance(value, Mapping) and prefix != "training.class_weight":
        for key, item in value.items():
            yield from _flatten(item, facts, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, _say(prefix, value)


def _say(key: str, value: Any) -> str:
    if value is None:
        return "none" if key in ("training.patience", "model", "resources.trial_timeout_s") else "by default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return listing([f"{name} {weight:g}" for name, weight in value.items()])
    if isinstance(value, list | tuple):
        return listing([str(item) for item in value]) or "none"
    if key.endswith("_fraction"):
        return percent(float(value), 0)
    return str(value)


def say_differences(found: list[Difference]) -> str:
    """The things in which studies differ, named in a sentence; nothing where there are none."""
    return listing([difference.what for difference in found], 12)
