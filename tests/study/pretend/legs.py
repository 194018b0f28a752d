"""Legs of a study in this process: the real leg with all that it writes; no texts, no Ray."""

from __future__ import annotations

import sqlite3
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.records.lines import Answers, Line
from study.machine.capacity import Capacity
from study.running.driver import Dispatch, Driver
from study.running.verbs import resume_study, run_study
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.trial import Report
from tests.study.pretend.brief import write_briefly
from tests.study.pretend.small_study import SMALL_SPACE, make_spec, pretend_report, read_optuna

CORPUS: Any = SimpleNamespace(
    source="test",
    fingerprint="f",
    split_fingerprint="s",
    validated_on="validation",
    classes=("no", "yes"),
    splits=SimpleNamespace(validation=range(4), sizes=lambda: {"train": 100, "validation": 4, "test": 10}),
    labels_of=lambda split: np.array([0, 1, 0, 1]),
    vocabulary=[f"word{i}" for i in range(100)],
    reading=None,
    tokens="words",
    padding="pre",
    truncation="pre",
)

SPACE = SMALL_SPACE | {"cell": "rnn"}
GRID = make_spec(space=SPACE, seeds=2, training={"max_epochs": 2}, keep_models=2)

ANSWERS = Answers(
    predicted=np.zeros(len(CORPUS.splits.validation), dtype=np.uint16),
    accuracy=0.5,
    loss=0.7,
    macro_f1=0.3,
    balanced_accuracy=0.5,
)
LINES = [Line(name="majority", fit_s=0.1, answers={"validation": ANSWERS})]

TABLE = (
    "SELECT a.trial, a.replicate, a.attempt, a.state, a.seed, a.params, a.n_weights, e.epoch, e.train_loss,"
    " e.train_accuracy, e.val_loss, e.val_accuracy FROM attempts a LEFT JOIN epochs e"
    " USING (trial, phase, replicate, attempt) ORDER BY a.trial, a.phase, a.replicate, a.attempt, e.epoch"
)
"""All that the records hold, times aside."""


def run_leg(folder: Path, spec: StudySpec, n_workers: int = 1, data: str | None = None) -> None:
    """Continue the study in `folder` to its end; each epoch sends a checkpoint, each trial a model."""
    with pretending(n_workers):
        if StudyDirectory(folder).spec.exists():
            resume_study(folder, data=data)
        else:
            assert folder.name == spec.name
            run_study(spec, folder.parent)


@contextmanager
def pretending(n_workers: int = 1) -> Iterator[None]:
    """Let legs train nothing, on no texts."""

    def tune_trials(spec: StudySpec, driver: Driver, *others: Any) -> None:
        work(driver, spec.training.max_epochs, n_workers)

    pretences = {
        "preparation.load_corpus": lambda spec: CORPUS,
        "leg.encode": lambda corpus, spec: CORPUS,
        "preparation.explain_classes": lambda corpus: [],
        "preparation.explain_tokens": lambda *asked: "tokens: words",
        "preparation.find_warnings": lambda *asked: [],
        "lines.draw_lines": lambda *asked: LINES,
        "leg.keep_texts": lambda *asked: None,
        "leg.ray_session": lambda *asked: nullcontext(Capacity(n_workers, 0, 1)),
        "leg.watch_ray": lambda *asked: nullcontext(),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, pretence in pretences.items():
            patch.setattr(f"study.running.{name}", pretence)
        patch.setattr("analysis.write_report", write_briefly)
        patch.setattr("study.store.manifest._git_revision", lambda: None)
        patch.setitem(sys.modules, "study.running.tuning", SimpleNamespace(tune_trials=tune_trials))
        yield


def work(driver: Driver, max_epochs: int, n_workers: int) -> None:
    """Train as `n_workers` workers would: in turn, an epoch each."""
    turns: deque[tuple[int, Dispatch, int]] = deque()
    key = 0
    while True:
        while len(turns) < n_workers and (dispatch := driver.assign(key)) is not None:
            driver.note_start(key)
            turns.append((key, dispatch, 0 if dispatch.checkpoint is None else int(dispatch.checkpoint)))
            key += 1
        if not turns:
            assert driver.is_done
            return
        number, dispatch, epoch = turns.popleft()
        report = make_report(dispatch, epoch + 1, max_epochs)
        driver.record(number, report, stopped=False)
        if report.state == "running":
            turns.append((number, dispatch, epoch + 1))


def make_report(dispatch: Dispatch, epoch: int, max_epochs: int) -> Report:
    is_last = epoch == max_epochs
    extra: dict[str, Any] = (
        {"model": f"model {dispatch.assignment.trial}".encode()} if is_last else {"checkpoint": b"%d" % epoch}
    )
    if is_last and dispatch.assignment.phase == "confirm":
        extra["test_accuracy"] = 0.6
    return pretend_report(dispatch.assignment, epoch, max_epochs, **extra)


def read_table(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "records.db")) as connection:
        return connection.execute(TABLE).fetchall()


def read_search(folder: Path, name: str = "small") -> list[tuple[int, str, dict[str, Any], float | None]]:
    """What Optuna is told of the search."""
    trials = read_optuna(folder / "optuna.db")[name]
    return [(t.number, t.state.name, t.params, t.value) for t in trials]


def read_all(folder: Path) -> tuple[Any, ...]:
    return read_table(folder), read_search(folder), read_models(folder)


def read_models(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("models/*/*"))}
