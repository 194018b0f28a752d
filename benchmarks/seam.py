"""The search's seam against plain Optuna: trials until a known optimum is nearly reached, and repeats.

An objective without training, its best value known, is searched by Optuna alone and through
`study.search.search`, from the same seeds and with the same budget. Then eight workers ask before any of them
tells.

Run it as `python benchmarks/seam.py [SEEDS]`; it takes about a minute.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from rich.console import Console
from rich.table import Table

from analysis.records.schema import StudyFacts
from search_spaces.adapters.optuna import ask
from study.search.samplers import make_sampler
from study.search.search import Search
from study.seeds import derive_seed
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.trial import Assignment, EpochFigures, Report

BEST, TARGET = 0.9, 0.885
BUDGET, N_WORKERS = 60, 8

SPACE = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "units": {"low": 8, "high": 128, "log": True},
    "layers": {"low": 1, "high": 3},
    "vocab_size": 50,
    "sequence_length": [50, 100, 200],
    "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
}
"""The search that the trials are counted in."""

FEW = SPACE | {"units": [8, 16, 32, 64], "learning_rate": 1e-3, "sequence_length": 50}
"""72 settings, of which 48 are asked for: here samplers repeat themselves."""


def accuracy_of(params: dict[str, Any]) -> float:
    """Best at a GRU of 32 units, both directions, two layers, length 200; the best rate varies by cell."""
    cell = {"rnn": 0.12, "lstm": 0.02, "gru": 0.0}[params["cell"]]
    rate = math.log10(params["learning_rate"]) + (2.5 if params["cell"] != "rnn" else 3.5)
    length = {50: 0.06, 100: 0.02, 200: 0.0}[params["sequence_length"]]
    units = (math.log2(params["units"]) - 5) / 2
    layers = 0.02 * abs(params["layers"] - 2)
    return (
        BEST
        - cell
        - 0.08 * rate**2
        - length
        - 0.03 * units**2
        - layers
        - 0.03 * (not params["bidirectional"])
    )


def make_spec(space: dict[str, Any], trials: int, seed: int, **design: Any) -> StudySpec:
    """Describe a search of the objective."""
    document = {
        "name": "seam",
        "seed": seed,
        "space": space,
        "design": {"trials": trials, "scheduler": "none"} | design,
        "training": {"max_epochs": 1},
    }
    return StudySpec.from_document(document, "seam")


def search_by_optuna(spec: StudySpec, sampler: optuna.samplers.BaseSampler) -> list[float]:
    """Accuracies in order, by Optuna alone."""
    study = optuna.create_study(direction="maximize", sampler=sampler)
    scores = []
    for _ in range(BUDGET):
        trial, params = ask(study, spec.space)
        scores.append(accuracy_of(params))
        study.tell(trial, scores[-1])
    return scores


def search_by_seam(spec: StudySpec, n_workers: int) -> list[Assignment]:
    """What is handed out, in order, to `n_workers` workers that end in turn."""
    # The database is not what is measured: in memory where there is such a folder.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made inside
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        ledger = Ledger.create(folder / "records.db", describe(spec), np.array([0, 1]))
        search = Search(spec, ledger)
        handed_out: list[Assignment] = []
        running: list[Assignment] = []
        while True:
            while len(running) < n_workers and (assignment := search.next()) is not None:
                ledger.begin(assignment, "2026-01-01T00:00:00+00:00")
                running.append(assignment)
                handed_out.append(assignment)
            if not running:
                ledger.close()
                return handed_out
            end(search, running.pop(0))


def end(search: Search, assignment: Assignment) -> None:
    """Report one epoch that reaches the objective."""
    accuracy = accuracy_of(assignment.params)
    figures = EpochFigures(
        epoch=1,
        train_loss=1 - accuracy,
        train_accuracy=accuracy,
        val_loss=1 - accuracy,
        val_accuracy=accuracy,
        learning_rate=1e-3,
        epoch_s=0.0,
    )
    report = Report(state="completed", score=accuracy, best_epoch=1, figures=figures)
    search.record(assignment, report, stopped=False)


def describe(spec: StudySpec) -> StudyFacts:
    """Facts of a study without data."""
    return StudyFacts(
        name=spec.name,
        source="none",
        classes=("no", "yes"),
        n_train=0,
        n_validation=2,
        n_test=0,
        max_epochs=1,
        design="search",
        space=spec.space.to_document(),
    )


def tell_trials(console: Console, n_seeds: int) -> None:
    """Print how many trials each way takes."""

    def default(spec: StudySpec) -> list[float]:
        return search_by_optuna(spec, optuna.samplers.TPESampler(seed=sampler_seed(spec)))

    def same(spec: StudySpec) -> list[float]:
        return search_by_optuna(spec, make_sampler(spec.design, spec.space, BUDGET, sampler_seed(spec)))

    def seam(spec: StudySpec) -> list[float]:
        return [accuracy_of(a.params) for a in search_by_seam(spec, 1)]

    def chance(spec: StudySpec) -> list[float]:
        return search_by_optuna(spec, optuna.samplers.RandomSampler(seed=sampler_seed(spec)))

    ways: dict[str, Callable[[StudySpec], list[float]]] = {
        "study.search.search, TPE": seam,
        "Optuna, the same TPE": same,
        "Optuna, TPE as it comes": default,
        "Optuna, random": chance,
    }
    table = Table(title=f"trials until {TARGET} of at most {BEST}, {BUDGET} trials, {n_seeds} seeds")
    for column in ("", "median", "quartiles", "reached", "best, mean", "s a search"):
        table.add_column(column, justify="left" if not column else "right")
    for name, way in ways.items():
        start = time.perf_counter()
        runs = [way(make_spec(SPACE, BUDGET, seed)) for seed in range(n_seeds)]
        wall_s = (time.perf_counter() - start) / n_seeds
        needed = [next((i for i, s in enumerate(run, 1) if s >= TARGET), BUDGET + 1) for run in runs]
        low, median, high = statistics.quantiles(needed, n=4)
        table.add_row(
            name,
            f"{median:g}",
            f"{low:g}-{high:g}",
            f"{sum(n <= BUDGET for n in needed)}/{n_seeds}",
            f"{statistics.fmean(map(max, runs)):.4f}",
            f"{wall_s:.2f}",
        )
    console.print(table)


def sampler_seed(spec: StudySpec) -> int:
    """The seed that the seam gives its sampler."""
    return derive_seed(spec.seed, "sampler", 0)


def tell_repeats(console: Console, n_seeds: int) -> None:
    """Print how often workers that ask before any tells are given a setting again."""
    table = Table(title=f"{N_WORKERS} workers, 48 trials of 72 settings, {n_seeds} seeds")
    for column in ("", "settings again, mean", "replicates twice", "best, mean"):
        table.add_column(column, justify="left" if not column else "right")
    for liar in (True, False):
        again, twice, best = [], 0, []
        for seed in range(n_seeds):
            spec = make_spec(FEW, 48, seed, sampler_options={"constant_liar": liar})
            handed_out = search_by_seam(spec, N_WORKERS)
            again.append(len(handed_out) - len({a.trial for a in handed_out}))
            twice += len(handed_out) - len({(a.trial, a.replicate) for a in handed_out})
            best.append(max(accuracy_of(a.params) for a in handed_out))
        name = "constant liar (ours)" if liar else "without"
        table.add_row(name, f"{statistics.fmean(again):.1f}", str(twice), f"{statistics.fmean(best):.4f}")
    console.print(table)


def main() -> None:
    """Print both tables."""
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    console = Console(highlight=False)
    tell_trials(console, n_seeds)
    tell_repeats(console, n_seeds)


if __name__ == "__main__":
    main()
