"""A small study without Ray or TensorFlow: its records, its search, and a trainer that only pretends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.engine import URL

from analysis.records.schema import StudyFacts
from study.search.search import Search
from study.search.source import Source
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.trial import Assignment, EpochFigures, Report

STARTED_AT = "2026-01-01T00:00:00+00:00"

SMALL_SPACE = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "units": 8,
    "layers": 1,
    "vocab_size": 50,
    "sequence_length": 10,
    "embedding_dim": 4,
}


def make_spec(**changes: Any) -> StudySpec:
    document: dict[str, Any] = {
        "name": "small",
        "space": SMALL_SPACE,
        "design": {"kind": "grid"},
        "training": {"max_epochs": 3},
    }
    return StudySpec.from_document(document | changes, "test")


def make_facts(spec: StudySpec) -> StudyFacts:
    return StudyFacts(
        name=spec.name,
        source="test",
        classes=("no", "yes"),
        n_train=100,
        n_validation=4,
        n_test=10,
        objective=spec.objective,
        max_epochs=spec.training.max_epochs,
        design=spec.design.kind,
        space=spec.space.to_document(),
    )


def pretend_figures(assignment: Assignment, epoch: int) -> EpochFigures:
    """Figures that depend on setting, seed and epoch alone, as real training does."""
    rank = sorted(("rnn", "gru", "lstm")).index(assignment.params["cell"])
    accuracy = 0.5 + 0.1 * rank + 0.02 * assignment.params["bidirectional"] + (assignment.seed % 97) / 1e4
    return EpochFigures(
        epoch=epoch,
        train_loss=1.0 / epoch,
        train_accuracy=min(accuracy + 0.05 * epoch, 1.0),
        val_loss=1.0 - accuracy + 0.01 * (epoch - 2) ** 2,
        val_accuracy=accuracy - 0.01 * (epoch - 2) ** 2,
        learning_rate=1e-3,
        epoch_s=0.1,
    )


def pretend_report(assignment: Assignment, epoch: int, max_epochs: int, **changes: Any) -> Report:
    figures = pretend_figures(assignment, epoch)
    best = max(pretend_figures(assignment, e).val_accuracy for e in range(1, epoch + 1))
    content: dict[str, Any] = {
        "state": "completed" if epoch == max_epochs else "running",
        "score": best,
        "best_epoch": min(epoch, 2),
        "figures": figures,
        "n_weights": 1234,
        "wall_s": 0.1 * epoch,
    }
    return Report(**(content | changes))


def next_of(source: Source) -> Assignment:
    """What is handed out next; something is."""
    assignment = source.next()
    assert assignment is not None
    return assignment


def begin(source: Source, ledger: Ledger) -> Assignment:
    """Hand out what is next, and record that it is trained."""
    assignment = next_of(source)
    ledger.begin(assignment, STARTED_AT)
    return assignment


def reach(search: Search, ledger: Ledger, assignment: Assignment, accuracy: float) -> None:
    """Pretend one epoch of training, the last, that comes to `accuracy`."""
    figures = EpochFigures(
        epoch=1,
        train_loss=1.0 - accuracy,
        train_accuracy=accuracy,
        val_loss=1.0 - accuracy,
        val_accuracy=accuracy,
        learning_rate=1e-3,
        epoch_s=0.1,
    )
    ledger.begin(assignment, STARTED_AT)
    report = Report(state="completed", score=accuracy, best_epoch=1, figures=figures)
    search.record(assignment, report, stopped=False)


def train(search: Search, ledger: Ledger, assignment: Assignment, max_epochs: int = 3) -> None:
    """Pretend to train one assignment to its end."""
    ledger.begin(assignment, STARTED_AT)
    for epoch in range(1, max_epochs + 1):
        search.record(assignment, pretend_report(assignment, epoch, max_epochs), stopped=False)


def train_all(search: Search, ledger: Ledger) -> list[Assignment]:
    """Pretend to train until the search is exhausted; return what was handed out."""
    handed_out = []
    while (assignment := search.next()) is not None:
        handed_out.append(assignment)
        train(search, ledger, assignment)
    return handed_out


def read_optuna(path: Path) -> dict[str, list[optuna.trial.FrozenTrial]]:
    """What Optuna reads in a file of its own, by the name of each study."""
    url = URL.create("sqlite", database=str(path)).render_as_string()
    storage = optuna.storages.RDBStorage(url, skip_compatibility_check=True)  # which takes most of the time
    names = optuna.get_all_study_names(storage)
    trials = {name: optuna.load_study(study_name=name, storage=storage).trials for name in names}
    storage.engine.dispose()
    return trials


def list_told(search: Search) -> list[list[optuna.trial.FrozenTrial]]:
    """What the sampler of each stratum knows."""
    assert search._tuners is not None
    return [tuner._study.get_trials() for tuner in search._tuners._tuners]


OpenStudy = Callable[[StudySpec], tuple[Search, Ledger]]
