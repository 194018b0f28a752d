"""Legs of a study in this process: the real driver, search, records, checkpoints and models, no Ray."""

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna

from study.checkpoints import CheckpointFolder
from study.directory import StudyDirectory, write_atomically
from study.driver import Driver, Order
from study.ledger import Ledger
from study.search import Search
from study.shelf import ModelShelf
from study.spec import StudySpec
from study.trial import Report
from tests.study.small_study import make_facts, pretend_report

CORPUS: Any = SimpleNamespace(
    vocabulary=[f"word{i}" for i in range(100)], classes=("no", "yes"), padding="pre", truncation="pre"
)

TABLE = (
    "SELECT a.trial, a.replicate, a.attempt, a.state, a.seed, a.params, a.n_weights, e.epoch, e.train_loss,"
    " e.train_accuracy, e.val_loss, e.val_accuracy FROM attempts a LEFT JOIN epochs e"
    " USING (trial, replicate, attempt) ORDER BY a.trial, a.replicate, a.attempt, e.epoch"
)
"""All that the records hold, times aside."""


def run_leg(folder: Path, spec: StudySpec, n_workers: int = 1) -> None:
    """Continue the study in `folder` to its end; each epoch sends a checkpoint, each trial a model."""
    directory = StudyDirectory(folder)
    with directory.lock(), closing(open_ledger(directory, spec)) as ledger:
        search = Search(spec, ledger, directory.search)
        checkpoints = CheckpointFolder(directory.checkpoints)
        shelf = ModelShelf(directory.models, spec.keep_models, CORPUS, "words")
        driver = Driver(spec, search, ledger, checkpoints, shelf, lambda *heard: None)
        work(driver, spec.training.max_epochs, n_workers)


def open_ledger(directory: StudyDirectory, spec: StudySpec) -> Ledger:
    """Open or create the records, as `study.run` does."""
    if directory.spec.exists():
        return Ledger.open(directory.records)
    directory.records.unlink(missing_ok=True)
    ledger = Ledger.create(directory.records, make_facts(spec), np.array([0, 1, 0, 1]))
    write_atomically(directory.spec, "name: small\n")
    return ledger


def work(driver: Driver, max_epochs: int, n_workers: int) -> None:
    """Train as `n_workers` workers would: in turn, an epoch each."""
    turns: deque[tuple[int, Order, int]] = deque()
    key = 0
    while True:
        while len(turns) < n_workers and (order := driver.assign(key)) is not None:
            driver.note_start(key)
            turns.append((key, order, 0 if order.checkpoint is None else int(order.checkpoint)))
            key += 1
        if not turns:
            assert driver.is_done
            return
        number, order, epoch = turns.popleft()
        report = make_report(order, epoch + 1, max_epochs)
        driver.hear(number, report, stopped=False)
        if report.state == "running":
            turns.append((number, order, epoch + 1))


def make_report(order: Order, epoch: int, max_epochs: int) -> Report:
    is_last = epoch == max_epochs
    extra = (
        {"model": f"model {order.assignment.trial}".encode()} if is_last else {"checkpoint": b"%d" % epoch}
    )
    return pretend_report(order.assignment, epoch, max_epochs, **extra)


def read_table(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "records.db")) as connection:
        return connection.execute(TABLE).fetchall()


def read_search(folder: Path, name: str = "small") -> list[tuple[int, str, dict[str, Any], float | None]]:
    """What Optuna knows, infeasible proposals aside."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}")
    trials = optuna.load_study(study_name=name, storage=storage).trials
    storage.engine.dispose()
    return [(t.number, t.state.name, t.params, t.value) for t in trials if "infeasible" not in t.user_attrs]


def read_models(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("models/*/*"))}
