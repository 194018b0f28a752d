"""What a study's records say of its runs: read by the leg that writes them, and by whoever looks on."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from analysis.records.database import open_records, read_facts
from analysis.records.schema import Objective, State, StudyFacts
from study.errors import IntegrityError, StudyError
from study.store.database import database_faults
from study.trial import OUT_OF_MEMORY, Assignment


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The last attempt at one replicate, as the records have it."""

    assignment: Assignment
    state: State
    scores: tuple[float, ...]
    """The objective after each epoch, larger is better; NaN where it was not finite."""
    started_at: str | None = None
    wall_s: float | None = None

    @property
    def best_score(self) -> float | None:
        """The best finite objective, None where there is none."""
        return self.best_within(len(self.scores))

    def best_within(self, n_epochs: int) -> float | None:
        """Return the best finite objective of the first epochs, None where there is none."""
        return max((s for s in self.scores[:n_epochs] if math.isfinite(s)), default=None)


class Outcomes:
    """The records of a study, open for reading.

    Args:
        connection: To the database.
        path: Of it, for messages.
        facts: The study's.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, facts: StudyFacts) -> None:
        self._connection, self.path, self.facts = connection, path, facts

    def outcomes(self) -> list[Outcome]:
        """Return the last attempt of every replicate, in the order of trials, phases and replicates."""
        with reading(self.path):
            return self._read_outcomes()

    def _read_outcomes(self) -> list[Outcome]:
        sign = 1.0 if self.facts.maximizes else -1.0
        scores: dict[tuple[int, str, int, int], list[float]] = {}
        for *key, value in self._connection.execute(
            f"SELECT trial, phase, replicate, attempt, {self.facts.objective} FROM epochs"  # noqa: S608 - checked
            " ORDER BY trial, phase, replicate, attempt, epoch"
        ):
            series = scores.setdefault((key[0], key[1], key[2], key[3]), [])
            series.append(math.nan if value is None else sign * value)
        rows = self._connection.execute(
            "SELECT trial, phase, replicate, max(attempt), seed, params, state, started_at, wall_s"
            " FROM attempts GROUP BY trial, phase, replicate"
            " ORDER BY trial, CASE phase WHEN 'search' THEN 0 WHEN 'confirm' THEN 1 ELSE 2 END, replicate"
        )
        return [_outcome(row, scores) for row in rows]

    def measure(self, assignment: Assignment) -> dict[str, float]:
        """Return what an attempt was at its best epoch, by the names of objectives; it has a finite score."""
        names, objective = get_args(Objective), self.facts.objective
        row = self._ask(
            f"SELECT {', '.join(names)}, train_accuracy - val_accuracy, n_weights, wall_s"  # noqa: S608 - ours
            " FROM epochs JOIN attempts USING (trial, phase, replicate, attempt)"
            " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ?"
            f" ORDER BY iif(?, -{objective}, {objective}) NULLS LAST, epoch LIMIT 1",
            *assignment.key,
            self.facts.maximizes,
        )
        return dict(zip((*names, "gap", "n_weights", "seconds"), row, strict=True))

    def ran_out_of_memory(self, assignment: Assignment) -> bool:
        """Return whether memory did not suffice for an earlier attempt at the replicate."""
        earlier = (
            "SELECT 1 FROM attempts"
            " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt < ? AND reason GLOB ?"
        )
        return self._ask(earlier, *assignment.key, f"{OUT_OF_MEMORY}*") is not None

    def has_lines(self, split: str) -> bool:
        """Whether the lines to beat were drawn, and what they say of the texts of a split is kept."""
        if self._ask("SELECT 1 FROM sqlite_master WHERE name = 'lines'") is None:
            return False
        return self._ask("SELECT 1 FROM lines WHERE split = ? LIMIT 1", split) is not None

    def amounts_with_lines(self) -> set[tuple[int, int]]:
        """Return the training texts, by their number and seed, that the lines to beat were fitted on."""
        if self._ask("SELECT 1 FROM sqlite_master WHERE name = 'lines_by_amount'") is None:
            return set()
        with reading(self.path):
            rows = self._connection.execute("SELECT DISTINCT train_size, seed FROM lines_by_amount")
            return {(int(size), int(seed)) for size, seed in rows}

    @property
    def warm_start(self) -> Mapping[str, Any] | None:
        """What the search began with, as it was noted; None where nothing was."""
        noted = self._read_note("warm_start")
        return None if noted is None else dict(noted)

    @property
    def given_up(self) -> set[int]:
        """Trials that had only failed when the study was asked for more seeds."""
        return set(self._read_note("given_up") or ())

    def _read_note(self, key: str) -> Any:
        row = self._ask("SELECT value FROM meta WHERE key = ?", key)
        with reading(self.path):
            return None if row is None else json.loads(row[0])

    def _ask(self, question: str, *values: Any) -> Any:
        """Return the first row of the answer, None where there is none."""
        with reading(self.path):
            return self._connection.execute(question, values).fetchone()


@contextmanager
def read_outcomes(path: Path) -> Iterator[Outcomes]:
    """Open records for reading alone, as they are at one moment; another process may be writing them.

    Raises:
        AnalysisError: If they cannot be read.
    """
    with open_records(path) as connection:
        connection.execute("BEGIN")
        yield Outcomes(connection, path, read_facts(connection, path))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise what cannot be read, though SQLite could, as damage too: a name, JSON, or text that is none."""
    try:
        with database_faults(path):
            yield
    except StudyError:
        raise
    except ValueError as error:
        said = str(error).splitlines()[0]
        raise IntegrityError(f"the file is damaged: {path}: {said}; restore it from a copy") from error


def _outcome(row: Sequence[Any], scores: Mapping[tuple[int, str, int, int], list[float]]) -> Outcome:
    trial, phase, replicate, attempt, seed, params, state, started_at, wall_s = row
    assignment = Assignment(
        trial=trial, replicate=replicate, attempt=attempt, seed=seed, params=json.loads(params), phase=phase
    )
    return Outcome(
        assignment=assignment,
        state=state,
        scores=tuple(scores.get(assignment.key, ())),
        started_at=started_at,
        wall_s=wall_s,
    )
