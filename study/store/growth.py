"""Extensions: a study asked for more of the same, and what that means for what it has done."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.records.schema import StudyFacts
from study.designs import SearchDesign
from study.errors import IntegrityError, StudyError
from study.spec.schema import StudySpec
from study.store.facts import extend_facts
from study.store.ledger import Ledger
from study.store.outcomes import Outcome

GROWING_KEYS = ("seeds", "design.trials", "design.points", "design.fraction", "training.max_epochs")
"""What there can be more of."""

FREE_KEYS = (
    "description",
    "margin",
    "data.source",  # where the texts lie now: that they are the same, their fingerprint says
    "design.audit_pruned",
    "resources.trial_timeout_s",
    "resources.time_budget_s",
    "resources.retries",
)
"""What no run depends on."""


def grow_spec(old: StudySpec, document: Mapping[str, Any]) -> StudySpec:
    """Return what a study is to become.

    Args:
        old: What it was asked.
        document: Its document with other values.

    Raises:
        StudyError: If that is another study, or less of this one.
    """
    new = StudySpec.from_document(document, "the extension")
    changed = _find_changes(old.to_document(), new.to_document())
    for key in changed:
        if key.startswith("space."):
            raise changed_space(key)
        if key not in GROWING_KEYS + FREE_KEYS:
            raise StudyError(
                f"an extension adds to a study: {key} is no amount; choose from "
                f"{', '.join(GROWING_KEYS + FREE_KEYS)}, or start a new study"
            )
    _check_more(old, new)
    return new


def changed_space(key: str) -> StudyError:
    """Why a study's space stays as it is.

    Args:
        key: What would change, dotted.
    """
    return StudyError(
        f"an extended study keeps its space: {key} would change, but what was drawn is no sample of another "
        "space, and no sampler learns from it; start a new study from it with `study run --like DIR --set "
        "...`"
    )


def check_grown(spec: StudySpec, facts: StudyFacts, path: Path) -> None:
    """Refuse a spec that the study of these records was not asked for, nor can have grown to.

    A file that was cut short between two lines is another spec, and a valid one.

    Args:
        spec: What `path` holds.
        facts: What the records know; where they know no spec, any will do.
        path: Named in what is raised.

    Raises:
        IntegrityError: If they contradict each other.
    """
    if not facts.spec:
        return
    try:
        grow_spec(StudySpec.from_document(facts.spec, "the records"), spec.to_document())
    except StudyError as error:
        raise IntegrityError(
            f"a study's spec is that of its records: {path} is not ({error}); restore it from a copy"
        ) from error


def _check_more(old: StudySpec, new: StudySpec) -> None:
    for name, before, after in (
        ("seeds", old.seeds, new.seeds),
        ("training.max_epochs", old.training.max_epochs, new.training.max_epochs),
        ("settings of the design", old.design.count(old.space), new.design.count(new.space)),
    ):
        if after < before:
            raise StudyError(
                f"an extension takes nothing back: {name} would fall from {before} to {after}; "
                f"give {before} or more, or start a new study"
            )
    is_longer = new.training.max_epochs > old.training.max_epochs
    if is_longer and isinstance(new.design, SearchDesign) and new.design.scheduler != "none":
        raise StudyError(
            f"a scheduler stopped runs for a training of {old.training.max_epochs} epochs: with "
            f"design.scheduler={new.design.scheduler} nobody knows what they would have become in "
            f"{new.training.max_epochs}; start a new study from it with `study run --like DIR --set "
            f"training.max_epochs={new.training.max_epochs}`"
        )


def _find_changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys whose values differ."""
    changed = []
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            changed += _find_changes(before, after, f"{prefix}{name}.")
        elif before != after:
            changed.append(f"{prefix}{name}")
    return changed


def bring_up_to_date(ledger: Ledger, spec: StudySpec) -> int:
    """Let the records know what the spec asks since it grew; return how many runs are trained again.

    A run that reached the old maximum of epochs cannot go on: the weights that it ended with were not kept.
    It is trained again from its first epoch, as a further attempt with the same seed, so that its first
    epochs are the same. What patience had ended, or what was lost, stays.

    Any leg may do it, for the one that changed the spec may have died: one commit does all, or nothing.

    Raises:
        StudyError: If there are more epochs, but settings were confirmed with fewer.
    """
    facts = extend_facts(ledger.facts, spec)
    if facts == ledger.facts:
        return 0
    short = []
    if facts.max_epochs > ledger.facts.max_epochs:
        check_unconfirmed(ledger)
        short = [outcome.assignment for outcome in ledger.outcomes() if _is_short(outcome, spec)]
    n_seeds = ledger.facts.spec.get("seeds", 1)
    given_up = _list_failed(ledger.outcomes(), n_seeds) if spec.seeds > n_seeds else []
    ledger.update_facts(facts, short, given_up)
    return len(short)


def _list_failed(outcomes: Sequence[Outcome], n_seeds: int) -> list[int]:
    """Return the trials of a search all of whose seeds were tried and came to nothing."""
    states = defaultdict(list)
    for outcome in outcomes:
        if outcome.assignment.phase == "search":
            states[outcome.assignment.trial].append(outcome.state)
    return [
        trial
        for trial, ended in states.items()
        if len(ended) >= n_seeds and not set(ended) - {"failed", "diverged", "timeout"}
    ]


def check_unconfirmed(ledger: Ledger) -> None:
    """Refuse more epochs where the test split was opened after fewer.

    Raises:
        StudyError: If a setting was confirmed.
    """
    if any(outcome.assignment.phase == "confirm" for outcome in ledger.outcomes()):
        raise StudyError(
            f"a confirmed study keeps its epochs: its test split was opened after {ledger.facts.max_epochs} "
            "of them, and is opened once; start a new study from it with `study run --like DIR --set ...`"
        )


def _is_short(outcome: Outcome, spec: StudySpec) -> bool:
    """Whether a run ended only because no more epochs were asked for."""
    n_epochs, patience = len(outcome.scores), spec.training.patience
    if outcome.state != "completed" or n_epochs >= spec.training.max_epochs:
        return False
    if patience is None or outcome.best_score is None:
        return True
    finite = [s if math.isfinite(s) else -math.inf for s in outcome.scores]
    return n_epochs - (1 + finite.index(outcome.best_score)) < patience
