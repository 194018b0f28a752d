"""The process dies at every commit, sync and rename in turn; the next legs come to the same tables."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from study.spec import StudySpec
from tests.study.pretend_legs import read_models, read_search, read_table, run_leg
from tests.study.small_study import SMALL_SPACE, make_spec

SPACE = SMALL_SPACE | {"cell": "rnn"}
GRID = make_spec(space=SPACE, seeds=2, training={"max_epochs": 2}, keep_models=2)


class PowerCutError(BaseException):
    """Nothing may catch it: the process is gone."""


class Points:
    """Counts the points at which the process may die, and lets it die at one of them."""

    def __init__(self, last: int | None = None) -> None:
        self.last, self.n_passed = last, 0

    def __call__(self) -> None:
        self.n_passed += 1
        if self.n_passed == self.last:
            raise PowerCutError


@contextmanager
def armed(monkeypatch: pytest.MonkeyPatch, points: Points) -> Iterator[None]:
    """Let every commit, before and after, every sync and every rename pass through `points`."""

    class Connection(sqlite3.Connection):
        def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
            try:
                if kind is None:
                    points()
            except BaseException:
                self.rollback()
                raise
            result = super().__exit__(kind, error, trace)
            if kind is None:
                points()
            return result

    def before_and_after(function: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            points()
            result = function(*arguments, **keywords)
            points()
            return result

        return call

    connect = sqlite3.connect

    def connect_armed(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
        return connect(*arguments, **keywords | {"factory": Connection})

    with monkeypatch.context() as patch:
        patch.setattr("study.ledger.sqlite3.connect", connect_armed)
        patch.setattr(os, "fsync", before_and_after(os.fsync))
        patch.setattr(os, "replace", before_and_after(os.replace))
        dialect = sqlalchemy.engine.default.DefaultDialect
        patch.setattr(dialect, "do_commit", before_and_after(dialect.do_commit))
        yield


def die_everywhere(
    folder: Path, spec: StudySpec, monkeypatch: pytest.MonkeyPatch, n_workers: int, stride: int = 1
) -> Iterator[Path]:
    """Yield a study for every `stride`th point at which the process died, continued to its end."""
    counted = Points()
    with armed(monkeypatch, counted):
        run_leg(folder / "counted", spec, n_workers)
    assert counted.n_passed > 100
    for number in range(1, counted.n_passed + 1, stride):
        study = folder / str(number)
        with armed(monkeypatch, Points(number)), pytest.raises(PowerCutError):
            run_leg(study, spec, n_workers)
        run_leg(study, spec, n_workers)
        yield study


@pytest.mark.slow
def test_a_grid_that_dies_at_any_point_ends_in_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = tmp_path / "reference"
    run_leg(reference, GRID)

    for study in die_everywhere(tmp_path, GRID, monkeypatch, n_workers=1):
        assert read_table(study) == read_table(reference), study.name
        assert read_search(study) == read_search(reference), study.name
        assert read_models(study) == read_models(reference), study.name
        assert not list(study.glob("checkpoints/*")), study.name


@pytest.mark.slow
def test_a_parallel_search_that_dies_at_any_point_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(
        space=SPACE,
        design={"kind": "search", "trials": 4, "scheduler": "none"},
        training={"max_epochs": 2},
        keep_models=1,
    )

    for study in die_everywhere(tmp_path, spec, monkeypatch, n_workers=2, stride=3):
        rows = read_table(study)
        assert {row[3] for row in rows} == {"completed"}
        keys = [(row[0], row[1], row[2], row[7]) for row in rows]  # trial, replicate, attempt, epoch
        assert len(keys) == len(set(keys)) == 4 * 2, study.name
        # Only two settings exist: what is proposed again must be another seed, never a rerun.
        assert len({(row[5], row[4]) for row in rows}) == 4, study.name
        told = read_search(study)
        assert [state for _, state, _, _ in told] == ["COMPLETE"] * 4, study.name
