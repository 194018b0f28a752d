"""Studies as they come out of a search, written as a real `records.db` without training anything.

    python benchmarks/synthetic_study.py FOLDER --trials 200 --seeds 3

The curves follow what recurrent classifiers of text do: the training loss keeps falling, the validation loss
turns, sooner for larger models; accuracy saturates at a height that depends on cell, size and length. All
factors are crossed at random, a halving scheduler stops weak trials, a few diverge or fail.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.records.schema import LINES_SCHEMA, SCHEMA, SCHEMA_VERSION, StudyFacts
from search_spaces import Choice, Domain, Real, Space

CHOICES: dict[str, list[Any]] = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "units": [16, 32, 64, 128],
    "layers": [1, 2],
    "vocab_size": [5000, 10000, 15000, 20000],
    "sequence_length": [50, 100, 150, 250],
}
FIXED: dict[str, Any] = {"embedding_dim": 64, "dropout": 0.0, "optimizer": "adam", "batch_size": 64}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the study should look like."""

    name: str = "synthetic"
    n_trials: int = 60
    n_seeds: int = 1
    max_epochs: int = 8
    n_validation: int = 2000
    n_classes: int = 2
    n_predicted: int = 8
    prune_fraction: float = 0.3
    fail_fraction: float = 0.03
    objective: str = "val_accuracy"
    validated_on: str = "validation"
    source: str = "imdb"
    seed: int = 0
    classes: tuple[str, ...] = ()
    has_lines: bool = True  # whether it is kept what the lines to beat say of each text
    params: dict[str, Any] | None = None


@dataclass(frozen=True)
class Curves:
    """Figures by epoch, each of shape (epochs_run,)."""

    train_loss: NDArray[np.float64]
    train_accuracy: NDArray[np.float64]
    val_loss: NDArray[np.float64]
    val_accuracy: NDArray[np.float64]


def write_study(folder: Path, plan: Plan) -> Path:
    """Write `records.db` and `manifest.json` of a finished study; returns the database's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "records.db"
    rng = np.random.default_rng(plan.seed)
    labels = rng.integers(plan.n_classes, size=plan.n_validation)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        facts = {"schema_version": str(SCHEMA_VERSION), "facts": facts_of(plan).model_dump_json()}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        connection.execute("INSERT INTO labels VALUES ('validation', ?)", (labels.astype("<u2").tobytes(),))
        baselines = _baselines(plan, labels)
        connection.executemany("INSERT INTO baselines VALUES (?, ?, ?, ?)", baselines)
        if plan.has_lines:
            _write_lines(connection, plan, labels, baselines)
        for trial in range(plan.n_trials):
            _write_trial(connection, plan, trial, labels, rng)
    manifest = {"versions": {"python": "3.12.0", "tensorflow": "2.21.0"}, "machine": {"cpus": 2}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return path


def facts_of(plan: Plan) -> StudyFacts:
    """What the study says of itself."""
    names = plan.classes or tuple(("negative", "positive") if plan.n_classes == 2 else _names(plan.n_classes))
    domains: dict[str, Domain] = {name: Choice(choices) for name, choices in CHOICES.items()}
    domains["learning_rate"] = Real(1e-4, 1e-2, log=True)
    return StudyFacts.model_validate(
        {
            "name": plan.name,
            "description": "Curves drawn from a model of what such studies show.",
            "source": plan.source,
            "classes": names,
            "n_train": 20_000,
            "n_validation": plan.n_validation,
            "n_test": 25_000,
            "validated_on": plan.validated_on,
            "objective": plan.objective,
            "max_epochs": plan.max_epochs,
            "design": "search",
            "sampler": "tpe",
            "scheduler": "asha" if plan.prune_fraction else None,
            "study_seed": plan.seed,
            "space": Space(domains).to_document(),
            "spec": {"search": {"sampler": "tpe", "trials": plan.n_trials}, "epochs": plan.max_epochs},
        }
    )


def _names(n_classes: int) -> Iterator[str]:
    return (f"class {index}" for index in range(n_classes))


def _baselines(plan: Plan, labels: NDArray[np.int64]) -> list[tuple[str, float, float | None, float]]:
    majority = float(np.bincount(labels).max(initial=0) / max(plan.n_validation, 1))
    rows: list[tuple[str, float, float | None, float]] = [("majority class", majority, None, 0.001)]
    rows.append(("TF-IDF + logistic regression", max(0.881, majority), 0.31, 21.0))
    return rows


def _write_lines(
    connection: sqlite3.Connection,
    plan: Plan,
    labels: NDArray[np.int64],
    baselines: list[tuple[str, float, float | None, float]],
) -> None:
    """What the lines say of each text: the majority class, or as many right as the accuracy has."""
    connection.execute(LINES_SCHEMA)
    rng = np.random.default_rng([plan.seed, plan.n_validation])
    majority = np.full(labels.size, np.bincount(labels, minlength=1).argmax())
    for name, accuracy, loss, _ in baselines:
        wrong = rng.permutation(labels.size) >= round(accuracy * labels.size)
        others = (labels + rng.integers(1, plan.n_classes, size=labels.size)) % plan.n_classes
        predicted = majority if name == "majority class" else np.where(wrong, others, labels)
        figures = (accuracy, loss, accuracy, accuracy)
        connection.execute(
            "INSERT INTO lines (name, split, predicted, accuracy, loss, macro_f1, balanced_accuracy)"
            " VALUES (?, 'validation', ?, ?, ?, ?, ?)",
            (name, predicted.astype("<u2").tobytes(), *figures),
        )


def draw_params(rng: np.random.Generator) -> dict[str, Any]:
    """Draw one setting of the recurrent space."""
    drawn = {name: choices[int(rng.integers(len(choices)))] for name, choices in CHOICES.items()}
    learning_rate = float(np.exp(rng.uniform(np.log(1e-4), np.log(1e-2))))
    return drawn | FIXED | {"learning_rate": learning_rate}


def draw_curves(params: dict[str, Any], plan: Plan, rng: np.random.Generator) -> Curves:
    """Draw one replicate's figures; `rng` is its seed's noise."""
    epochs = np.arange(1, plan.max_epochs + 1)
    chance = 1 / plan.n_classes
    size = np.log2(params["units"] * params["layers"] * (2 if params["bidirectional"] else 1) / 16)
    haste = np.log10(params["learning_rate"] / 1e-4)
    reach = {"rnn": 0.70, "lstm": 0.865, "gru": 0.86}[params["cell"]]
    reach += 0.012 * np.log2(params["sequence_length"] / 50) + 0.006 * np.log2(params["vocab_size"] / 5000)
    reach += 0.004 * params["bidirectional"] - 0.03 * (haste - 1) ** 2 + rng.normal(0, 0.006)
    ceiling = chance + (reach - 0.5) * (1 - chance) / 0.5
    rate = 0.5 + 0.4 * haste + 0.1 * size
    onset = max(1.2, 5.0 - 0.5 * size - 1.0 * haste + rng.normal(0, 0.4))
    rise = np.clip(epochs - onset, 0, None)
    learned = 1 - np.exp(-rate * epochs)
    noise = rng.normal(0, 0.004, size=(4, plan.max_epochs))
    start = np.log(plan.n_classes)
    floor = start * (1 - 0.9 * (ceiling - chance) / (1 - chance))
    return Curves(
        train_loss=np.clip(start * np.exp(-0.8 * rate * epochs) + noise[0], 0.001, None),
        train_accuracy=np.clip(chance + (0.995 - chance) * learned + noise[1], 0, 1),
        val_loss=np.clip(start - (start - floor) * learned + 0.04 * rise**1.2 + noise[2], 0.001, None),
        val_accuracy=np.clip(chance + (ceiling - chance) * learned - 0.004 * rise + noise[3], 0, 1),
    )


def _write_trial(
    connection: sqlite3.Connection,
    plan: Plan,
    trial: int,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    params = plan.params or draw_params(rng)
    pruned_at = (
        int(rng.integers(1, max(2, plan.max_epochs // 2))) if rng.random() < plan.prune_fraction else None
    )
    fate = rng.random()
    for replicate in range(1, plan.n_seeds + 1):
        noise = np.random.default_rng([plan.seed, replicate, trial])
        curves = draw_curves(params, plan, noise)
        state, run = ("pruned", pruned_at) if pruned_at else ("completed", plan.max_epochs)
        if fate < plan.fail_fraction:
            state, run = ("failed", 0) if trial % 2 else ("diverged", 1)
        if state == "pruned" and curves.val_accuracy[run - 1] > 0.8:
            state, run = "completed", plan.max_epochs
        _write_replicate(connection, plan, (trial, replicate), params, curves, state, run)
        if trial < plan.n_predicted and run:
            best = int(curves.val_accuracy[:run].argmax())
            blob = draw_predictions(labels, float(curves.val_accuracy[best]), plan, noise)
            row = (trial, "search", replicate, 1, best + 1, blob.astype("<f2").tobytes())
            connection.execute("INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?)", row)


def _write_replicate(
    connection: sqlite3.Connection,
    plan: Plan,
    key: tuple[int, int],
    params: dict[str, Any],
    curves: Curves,
    state: str,
    run: int,
) -> None:
    width = params["units"] * (2 if params["bidirectional"] else 1)
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[params["cell"]]
    n_weights = params["vocab_size"] * params["embedding_dim"] + params["layers"] * gates * width * (
        width + 64
    )
    epoch_s = 0.4 + n_weights / 4e5 + gates * params["sequence_length"] / 100
    reasons = {
        "failed": "the worker process was killed, most likely for memory",
        "diverged": "loss became nan at epoch 2; lower learning_rate or clip gradients",
        "pruned": f"stopped by the scheduler after epoch {run}",
    }
    started = f"2026-01-01T{key[0] // 60 % 24:02d}:{key[0] % 60:02d}:00+00:00"
    connection.execute(
        "INSERT INTO attempts (trial, replicate, state, seed, params, n_weights, started_at, wall_s, reason,"
        " phase, attempt, cells, node, setup_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'search', 1, 'compiled', 'node-1', 2.0)",
        (
            *key,
            state,
            1000 + key[1],
            json.dumps(params),
            n_weights,
            started,
            2 + run * epoch_s,
            reasons.get(state),
        ),
    )
    series = zip(curves.train_loss, curves.train_accuracy, curves.val_loss, curves.val_accuracy, strict=True)
    rows = [
        (key[0], "search", key[1], 1, epoch, *map(float, values), params["learning_rate"], epoch_s)
        for epoch, values in enumerate(series, start=1)
        if epoch <= run
    ]
    connection.executemany(
        "INSERT INTO epochs (trial, phase, replicate, attempt, epoch, train_loss, train_accuracy, val_loss,"
        " val_accuracy, learning_rate, epoch_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def draw_predictions(
    labels: NDArray[np.int64], accuracy: float, plan: Plan, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw over-confident probabilities that hit the label with about the given accuracy.

    Each text is right with a chance of its own; the model states that chance too far from a coin's.
    """
    least = 1 / plan.n_classes + 0.01
    chance = least + (0.995 - least) * rng.beta(2.0, 0.35, size=labels.size)
    chance = np.clip(chance + accuracy - chance.mean(), least, 0.995)
    right = rng.random(labels.size) < chance
    confidence = np.clip(chance**1.7 / (chance**1.7 + (1 - chance) ** 1.7), least, 0.999)
    other = (labels + rng.integers(1, plan.n_classes, size=labels.size)) % plan.n_classes
    chosen = np.where(right, labels, other)
    if plan.n_classes == 2:
        return np.where(chosen == 1, confidence, 1 - confidence)
    spread = np.repeat((1 - confidence)[:, None] / (plan.n_classes - 1), plan.n_classes, axis=1)
    spread[np.arange(labels.size), chosen] = confidence
    return spread


def main() -> None:
    """Write one study."""
    parser = argparse.ArgumentParser(description="Write a synthetic study's records.db.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    plan = Plan(
        name=options.folder.name,
        n_trials=options.trials,
        n_seeds=options.seeds,
        max_epochs=options.epochs,
        seed=options.seed,
    )
    print(write_study(options.folder, plan))


if __name__ == "__main__":
    main()
