"""The writer of `records.db`: what the driver is told is committed before it acts on it."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.records.amounts import AMOUNTS_SCHEMA, AmountLine
from analysis.records.lines import Line
from analysis.records.schema import (
    EPOCH_COLUMNS,
    LINE_FIGURES,
    LINES_SCHEMA,
    RUN_KEY,
    SCHEMA,
    SCHEMA_VERSION,
    TEXTS_SCHEMA,
    State,
    StudyFacts,
)
from analysis.records.texts import TextView
from analysis.records.upgrade import read_version, upgrade
from study.errors import IntegrityError
from study.store.database import check_database, database_faults
from study.store.outcomes import Outcomes, reading
from study.trial import Assignment, Report

_FIGURES = ", ".join(name for name in EPOCH_COLUMNS if name not in RUN_KEY)


class Ledger(Outcomes):
    """One study's records, held by one process, which alone writes them.

    Every method commits before it returns. A full disk raises `EnvironmentFaultError` and leaves the last
    commit.
    """

    @classmethod
    def create(cls, path: Path, facts: StudyFacts, validation_labels: npt.NDArray[np.integer[Any]]) -> Self:
        """Start the records of a new study."""
        connection = _connect(path)
        with database_faults(path), connection:
            connection.executescript(f"BEGIN; {SCHEMA}")
            _note(connection, "schema_version", str(SCHEMA_VERSION))
            _note(connection, "facts", facts.model_dump_json())
            labels = validation_labels.astype("<u2").tobytes()
            connection.execute("INSERT INTO labels VALUES ('validation', ?)", (labels,))
        return cls(connection, path, facts)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Continue the records of a study; those of an earlier release are brought to the schema of this one.

        Raises:
            IntegrityError: If the file is damaged or of another schema.
        """
        connection = _connect(path)  # first of all, since it rolls back what a process that died began
        check_database(path)
        with database_faults(path):
            if read_version(connection) == "1":
                upgrade(connection)
        with reading(path):
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            if meta.get("schema_version") != str(SCHEMA_VERSION):
                raise IntegrityError(
                    f"records of schema {SCHEMA_VERSION} can be continued: {path} has schema "
                    f"{meta.get('schema_version')}; use the release that wrote it"
                )
            return cls(connection, path, StudyFacts.model_validate_json(meta.get("facts", "")))

    def close(self) -> None:
        """Close the file; nothing is pending."""
        self._connection.close()

    def update_facts(
        self, facts: StudyFacts, again: Iterable[Assignment] = (), given_up: Iterable[int] = ()
    ) -> None:
        """Put other facts in place of the old.

        Args:
            facts: The new.
            again: What is noted, in the same transaction, as tried again.
            given_up: Trials that are noted, in the same transaction, as not worth further seeds.
        """
        all_given_up = json.dumps(sorted(self.given_up | set(given_up)))
        with self._transaction() as db:
            _note(db, "given_up", all_given_up)
            _note(db, "facts", facts.model_dump_json())
            for assignment in again:
                _add_successor(db, assignment)
        self.facts = facts

    def begin(self, assignment: Assignment, started_at: str, epochs_kept: int = 0) -> None:
        """Record that an attempt is handed out, with the epochs up to its checkpoint, if there is one.

        A further attempt that continues from its predecessor's checkpoint takes over the epochs up to it.
        """
        with self._transaction() as db:
            db.execute(
                f"INSERT OR IGNORE INTO epochs (trial, phase, replicate, attempt, {_FIGURES})"  # noqa: S608 - ours
                f" SELECT trial, phase, replicate, attempt + 1, {_FIGURES} FROM epochs"
                " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ? - 1 AND epoch <= ?",
                (*assignment.key, epochs_kept),
            )
            db.execute(
                "DELETE FROM epochs"
                " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ? AND epoch > ?",
                (*assignment.key, epochs_kept),
            )
            db.execute(
                "INSERT INTO attempts (trial, phase, replicate, attempt, state, seed, params, started_at)"
                " VALUES (?, ?, ?, ?, 'running', ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET state = 'running', reason = NULL,"
                " started_at = iif(?, coalesce(started_at, excluded.started_at), excluded.started_at)",
                (
                    *assignment.key,
                    assignment.seed,
                    json.dumps(assignment.params),
                    started_at,
                    epochs_kept > 0,
                ),
            )

    def record(self, assignment: Assignment, report: Report, state: State, reason: str | None) -> None:
        """Record one report, with the state that the trial has after it, in one transaction."""
        with self._transaction() as db:
            if report.figures is not None:
                figures = {name: _finite(value) for name, value in asdict(report.figures).items()}
                placeholders = ", ".join("?" * (len(assignment.key) + len(figures)))
                db.execute(
                    "INSERT OR REPLACE INTO epochs"  # noqa: S608 - names of our own
                    f" (trial, phase, replicate, attempt, {', '.join(figures)}) VALUES ({placeholders})",
                    (*assignment.key, *figures.values()),
                )
            db.execute(
                "UPDATE attempts SET state = ?, reason = ?, n_weights = coalesce(?, n_weights),"
                " cells = coalesce(?, cells), node = coalesce(?, node), setup_s = coalesce(?, setup_s),"
                " wall_s = coalesce(?, wall_s), test_loss = coalesce(?, test_loss),"
                " test_accuracy = coalesce(?, test_accuracy), test_macro_f1 = coalesce(?, test_macro_f1),"
                " test_balanced_accuracy = coalesce(?, test_balanced_accuracy)"
                " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ?",
                (
                    state,
                    reason,
                    report.n_weights,
                    report.cells,
                    report.node,
                    report.setup_s,
                    report.wall_s,
                    report.test_loss,
                    report.test_accuracy,
                    report.test_macro_f1,
                    report.test_balanced_accuracy,
                    *assignment.key,
                ),
            )
            if report.probabilities is not None:
                db.execute(
                    "INSERT OR REPLACE INTO predictions VALUES (?, ?, ?, ?, ?, ?)",
                    (*assignment.key, report.best_epoch, report.probabilities),
                )
            for moment, norms in (report.gradients or {}).items():
                db.execute(
                    "INSERT OR REPLACE INTO gradients VALUES (?, ?, ?, ?, ?, ?)",
                    (*assignment.key, moment, norms),
                )

    def finish(self, assignment: Assignment, state: State, reason: str) -> None:
        """Record an end that the worker could not report itself."""
        with self._transaction() as db:
            _end(db, assignment, state, reason)

    def retry(self, assignment: Assignment, state: State, reason: str) -> Assignment:
        """Record such an end and, in the same transaction, that the replicate is to be tried again.

        Returns:
            The further attempt; a crash before it begins cannot lose it.
        """
        with self._transaction() as db:
            _end(db, assignment, state, reason)
            return _add_successor(db, assignment)

    def redo(self, assignment: Assignment) -> Assignment:
        """Record that a replicate whose end is known is to be tried again; return the further attempt."""
        with self._transaction() as db:
            return _add_successor(db, assignment)

    def record_lines(self, lines: Sequence[Line]) -> None:
        """Record the lines to beat in place of those that were known; none where none could be drawn."""
        if not lines:
            return
        with self._transaction() as db:
            db.execute(LINES_SCHEMA)
            for table in ("baselines", "lines"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
            for line in lines:
                whole = line.answers["validation"]
                db.execute(
                    "INSERT INTO baselines VALUES (?, ?, ?, ?)",
                    (line.name, whole.accuracy, whole.loss, line.fit_s),
                )
                db.executemany(
                    f"INSERT INTO lines (name, split, predicted, {', '.join(LINE_FIGURES)})"  # noqa: S608 - ours
                    f" VALUES (?, ?, ?{', ?' * len(LINE_FIGURES)})",
                    [
                        (
                            line.name,
                            split,
                            answers.predicted.astype("<u2").tobytes(),
                            *(getattr(answers, figure) for figure in LINE_FIGURES),
                        )
                        for split, answers in line.answers.items()
                    ],
                )

    def record_lines_by_amount(self, lines: Iterable[AmountLine]) -> None:
        """Record lines to beat on fewer training texts."""
        with self._transaction() as db:
            db.execute(AMOUNTS_SCHEMA)
            db.executemany("INSERT OR REPLACE INTO lines_by_amount VALUES (?, ?, ?, ?, ?)", list(lines))

    def record_texts(self, params: Mapping[str, Any], view: TextView) -> None:
        """Record what a setting sees of the texts, and those that a report shows, in place of another's."""
        sizes = (params["vocab_size"], params["sequence_length"])
        counts = [column.astype("<u4").tobytes() for column in (view.n_tokens, view.n_seen, view.n_unknown)]
        with self._transaction() as db:
            for statement in TEXTS_SCHEMA:
                db.execute(statement)
            db.execute("INSERT OR REPLACE INTO views VALUES ('validation', ?, ?, ?, ?, ?)", (*sizes, *counts))
            db.execute("DELETE FROM excerpts")
            db.executemany(
                "INSERT INTO excerpts VALUES (?, ?, ?, ?)",
                [(row, text.before, text.seen, text.after) for row, text in view.excerpts.items()],
            )

    def note_warm_start(self, content: Mapping[str, Any]) -> None:
        """Note what the search begins with, before anything of it is proposed."""
        with self._transaction() as db:
            _note(db, "warm_start", json.dumps(content))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with database_faults(self.path), self._connection:
            yield self._connection


def _connect(path: Path) -> sqlite3.Connection:
    with database_faults(path):
        # Ray Tune may run its loop on another thread than the one that opened the file, but on one.
        connection = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
        # TRUNCATE, not WAL: a study may lie on a network file system, and is copied while it is open.
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _note(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _end(db: sqlite3.Connection, assignment: Assignment, state: State, reason: str) -> None:
    db.execute(
        "UPDATE attempts SET state = ?, reason = ?"
        " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ?",
        (state, reason, *assignment.key),
    )


def _add_successor(db: sqlite3.Connection, assignment: Assignment) -> Assignment:
    db.execute(
        "INSERT INTO attempts (trial, phase, replicate, attempt, state, seed, params)"
        " SELECT trial, phase, replicate, attempt + 1, 'running', seed, params FROM attempts"
        " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ?",
        assignment.key,
    )
    return replace(assignment, attempt=assignment.attempt + 1)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
