"""Reading `records.db` into tables: read-only, checked for damage and for values that cannot be."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from analysis.errors import AnalysisError
from analysis.records.lines import LineAnswers, read_lines
from analysis.records.read_only import open_read_only
from analysis.records.schema import SCHEMA_VERSION, StudyFacts
from analysis.records.upgrade import columns_of_schema, list_columns, show_as_today

_TOO_LARGE = 2**63
LAST_ATTEMPTS = """
    WITH last AS (
        SELECT trial, phase, replicate, max(attempt) AS attempt FROM attempts GROUP BY trial, phase, replicate
    )
    SELECT {columns} FROM {table} AS t JOIN last USING (trial, phase, replicate, attempt)
    ORDER BY t.trial, CASE t.phase WHEN 'search' THEN 0 WHEN 'confirm' THEN 1 ELSE 2 END, t.replicate
"""
"""Columns of a table for the last attempt of each replicate, to be filled in by `format`."""


class DamagedRecordsError(AnalysisError):
    """A file of records whose bytes are broken: nothing in it is believed."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """What one database holds, last attempts only."""

    facts: StudyFacts
    attempts: pd.DataFrame
    epochs: pd.DataFrame
    labels: NDArray[np.uint16] | None
    baselines: pd.DataFrame
    line_answers: dict[str, LineAnswers]


@contextmanager
def open_records(path: Path) -> Iterator[sqlite3.Connection]:
    """Open records that another process may be writing, without changing a byte of them.

    Raises:
        DamagedRecordsError: If SQLite finds the file broken, on opening or inside the block.
        AnalysisError: If it cannot be read.
    """
    try:
        with open_read_only(path) as connection:
            show_as_today(connection)
            yield connection
    except sqlite3.OperationalError as error:
        raise AnalysisError(
            f"{path}: cannot be read ({_say(error)}): check that it is a study's records.db and readable"
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise DamagedRecordsError(
            f"{path}: damaged ({_say(error)}): restore it from a copy, or read trials.parquet and "
            "epochs.parquet in a folder of their own"
        ) from error


def _say(error: Exception) -> str:
    """What SQLite says in one line: it may quote a table's definition."""
    return " ".join(str(error).split())


def read_records(path: Path) -> Records:
    """Read all tables of one moment.

    Raises:
        AnalysisError: If the file is damaged, of another schema, or holds values that cannot be.
    """
    with open_records(path) as connection:
        connection.execute("BEGIN")
        _check_integrity(connection, path)
        _check_tables(connection, path)
        facts = read_facts(connection, path)
        attempts = _read_frame(connection, LAST_ATTEMPTS.format(columns="t.*", table="attempts"))
        epochs = _read_frame(
            connection, LAST_ATTEMPTS.format(columns="t.*", table="epochs") + ", t.epoch"
        ).drop(columns="attempt")
        baselines, line_answers = read_lines(connection, path, facts)
        labels = _read_labels(connection, path, facts)
    return Records(
        facts=facts,
        attempts=attempts,
        epochs=epochs,
        labels=labels,
        baselines=baselines,
        line_answers=line_answers,
    )


def _check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer is None or answer[0] != "ok":
        found = " ".join(str(answer[0] if answer else "no answer").split())
        raise DamagedRecordsError(
            f"{path}: damaged ({found}): restore it from a copy, or read trials.parquet and "
            "epochs.parquet in a folder of their own"
        )


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    expected, present = columns_of_schema(), list_columns(connection)
    for table, columns in expected.items():
        if table not in present:
            raise AnalysisError(
                f"{path}: lacks the table {table!r}: a records.db has {', '.join(expected)}; "
                "is this another program's database?"
            )
        missing = set(columns) - set(present[table])
        if missing:
            raise AnalysisError(
                f"{path}: the table {table!r} lacks the column {min(missing)!r}: "
                "use the version of the project that wrote it, or restore it from a copy"
            )


def read_facts(connection: sqlite3.Connection, path: Path) -> StudyFacts:
    """Read the facts of a study.

    Raises:
        AnalysisError: If the records are of another schema, or the facts are broken.
    """
    meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    version = meta.get("schema_version", "none")
    if version not in ("1", str(SCHEMA_VERSION)):
        raise AnalysisError(
            f"{path}: records of schema {version}, but this version reads 1 and {SCHEMA_VERSION}: "
            "use the version of the project that wrote them"
        )
    return parse_facts(meta.get("facts", ""), str(path))


def parse_facts(text: str, source: str) -> StudyFacts:
    """Read a study's facts from JSON.

    Raises:
        AnalysisError: If they are not what `StudyFacts` describes.
    """
    try:
        return StudyFacts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "facts"
        raise AnalysisError(
            f"{source}: the study's facts are broken ({where}: {first['msg']}): restore the file from a copy"
        ) from error


def _read_frame(connection: sqlite3.Connection, query: str) -> pd.DataFrame:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return pd.DataFrame(cursor.fetchall(), columns=names)


def _read_labels(connection: sqlite3.Connection, path: Path, facts: StudyFacts) -> NDArray[np.uint16] | None:
    row = connection.execute("SELECT labels FROM labels WHERE split = 'validation'").fetchone()
    if row is None:
        return None
    if len(row[0]) != 2 * facts.n_validation:
        raise AnalysisError(
            f"{path}: {len(row[0]) // 2} validation labels for {facts.n_validation} texts: "
            "restore the file from a copy"
        )
    labels = np.frombuffer(row[0], dtype="<u2")
    if labels.size and labels.max() >= len(facts.classes):
        raise AnalysisError(
            f"{path}: a validation label is {labels.max()}, but there are {len(facts.classes)} classes: "
            "restore the file from a copy"
        )
    return labels


def parse_params(texts: pd.Series[str], source: str) -> pd.DataFrame:
    """Spread the JSON of each attempt's parameters into one column per parameter, missing where absent.

    Raises:
        AnalysisError: If a text is not a JSON object.
    """
    cache: dict[str, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    for text in texts:
        if text not in cache:
            cache[text] = _parse_object(text, source)
        rows.append(cache[text])
    names = list(dict.fromkeys(name for row in cache.values() for name in row))
    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names}, index=texts.index)


def _parse_object(text: str, source: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise AnalysisError(f"{source}: parameters are not a JSON object ({text[:60]!r}): restore the file")
    return {name: _plain(item) for name, item in value.items()}


def _plain(value: Any) -> Any:
    """A value that a column can hold: not finite is not set, what is nested or too large is its text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | bool | None) or (isinstance(value, int) and abs(value) < _TOO_LARGE):
        return value
    return json.dumps(value)


def _column(values: list[Any]) -> pd.Series[Any]:
    """Numbers as numbers (with NaN for missing), truth values as they are, else text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        complete = None not in values
        if complete and kinds == {int} and all(abs(value) < 2**53 for value in values):
            return pd.Series(values, dtype="int64")
        return pd.Series([np.nan if value is None else float(value) for value in values], dtype="float64")
    if kinds == {bool}:
        return pd.Series(values, dtype="bool" if None not in values else "object")
    texts = [None if value is None else str(value) for value in values]
    return pd.Series(texts, dtype="object")
