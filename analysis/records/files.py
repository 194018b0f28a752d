"""A study's tables as files: derived parquet for programs, CSV for people and spreadsheets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.arrow import hold_bytes
from analysis.errors import AnalysisError
from analysis.records.atomic import replace_file
from analysis.records.database import DamagedRecordsError, parse_facts
from analysis.records.lines import as_baselines
from analysis.records.paths import AnyPath, as_path
from analysis.records.schema import (
    EPOCH_COLUMNS,
    FURTHER_METRICS,
    SCHEMA_VERSION,
    TRIAL_COLUMNS,
    StudyFacts,
)
from analysis.records.times import add_times
from analysis.records.upgrade import split_replicate

TRIALS_FILE = "trials.parquet"
EPOCHS_FILE = "epochs.parquet"
_FACTS_KEY = b"study_facts"
_VERSION_KEY = b"schema_version"
_BASELINES_KEY = b"baselines"
_ADDED = (*FURTHER_METRICS, "test_macro_f1", "test_balanced_accuracy")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """What the two derived files hold together.

    Attributes:
        facts: What the study was.
        trials: One row per replicate of a trial, `TRIAL_COLUMNS` and one column per parameter.
        epochs: One row per replicate and epoch, `EPOCH_COLUMNS`.
        baselines: Simple models on the same split, `BASELINE_COLUMNS`.
    """

    facts: StudyFacts
    trials: pd.DataFrame
    epochs: pd.DataFrame
    baselines: pd.DataFrame


def write_parquet(tables: Tables, folder: AnyPath) -> tuple[Path, Path]:
    """Write `trials.parquet` and `epochs.parquet`, each complete or not at all.

    The study's facts and baselines travel in the files' metadata, so that the two can be read alone.
    """
    folder = as_path(folder)
    metadata = {
        _VERSION_KEY: str(SCHEMA_VERSION).encode(),
        _FACTS_KEY: tables.facts.model_dump_json().encode(),
        _BASELINES_KEY: tables.baselines.to_json(orient="records").encode(),
    }
    paths = (folder / TRIALS_FILE, folder / EPOCHS_FILE)
    for path, frame in zip(paths, (tables.trials, tables.epochs), strict=True):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
        # Checksums: without them a flipped bit is read as other data (1 in 5 single-bit flips).
        replace_file(
            path,
            lambda stream, table=table: pq.write_table(  # type: ignore[misc]
                table, stream, compression="zstd", write_page_checksum=True
            ),
        )
    return paths


def read_parquet(folder: Path) -> Tables:
    """Read the two derived files.

    Raises:
        AnalysisError: If one is missing, damaged, of another schema or not of a study.
    """
    trials, metadata = _read_table(folder / TRIALS_FILE)
    epochs, _ = _read_table(folder / EPOCHS_FILE)
    version = metadata.get(_VERSION_KEY, b"none").decode(errors="replace")
    if version == "1":
        trials, epochs = _show_as_today(trials, epochs)
    elif version == str(SCHEMA_VERSION) and "to_best_s" not in trials:
        trials = _put_in_order(add_times(trials, epochs))  # tables of an earlier release
    elif version != str(SCHEMA_VERSION):
        raise AnalysisError(
            f"{folder / TRIALS_FILE}: tables of schema {version}, but this version reads 1 and "
            f"{SCHEMA_VERSION}: use the version of the project that wrote them"
        )
    for path, frame, columns in (
        (folder / TRIALS_FILE, trials, TRIAL_COLUMNS),
        (folder / EPOCHS_FILE, epochs, EPOCH_COLUMNS),
    ):
        missing = [name for name in columns if name not in frame.columns]
        if missing:
            raise AnalysisError(f"{path}: lacks the column {missing[0]!r}: derive it again from records.db")
    facts = parse_facts(metadata.get(_FACTS_KEY, b"").decode(errors="replace"), str(folder / TRIALS_FILE))
    try:
        rows = json.loads(metadata.get(_BASELINES_KEY, b"[]"))
    except (ValueError, RecursionError) as error:
        raise DamagedRecordsError(
            f"{folder / TRIALS_FILE}: its baselines are no JSON: derive it again from records.db"
        ) from error
    return Tables(
        facts=facts,
        trials=trials,
        epochs=epochs,
        baselines=as_baselines(pd.DataFrame(rows)),
    )


def _show_as_today(trials: pd.DataFrame, epochs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of schema 1 as today's: there the number of a replicate told its phase."""
    told = epochs["replicate"].map(split_replicate)
    epochs = epochs.assign(phase=told.str[0], replicate=told.str[1].astype("int64"))
    trials = trials.assign(replicate=trials["replicate"].map(lambda n: split_replicate(n)[1]))
    unknown = [name for name in TRIAL_COLUMNS if name not in trials and name.startswith(_ADDED)]
    trials = add_times(trials.assign(**dict.fromkeys(unknown, np.nan)), epochs)
    return _put_in_order(trials), epochs.reindex(columns=[*EPOCH_COLUMNS])


def _put_in_order(trials: pd.DataFrame) -> pd.DataFrame:
    known = [name for name in TRIAL_COLUMNS if name in trials]
    parameters = [name for name in trials.columns if name not in TRIAL_COLUMNS]
    return trials[[*known, *parameters]]


def _read_table(path: Path) -> tuple[pd.DataFrame, dict[bytes, bytes]]:
    if not path.is_file():
        raise AnalysisError(f"{path}: is missing: both {TRIALS_FILE} and {EPOCHS_FILE} are needed")
    try:
        # Not by its path: Arrow takes none that is not UTF-8.
        table = pq.read_table(hold_bytes(path.read_bytes()), page_checksum_verification=True)
        return _plain_texts(table.to_pandas()), dict(table.schema.metadata or {})
    # The last three: pandas trusts what it reads of itself in the file's metadata.
    except (pa.ArrowException, OSError, ValueError, AttributeError, LookupError, TypeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedRecordsError(f"{path}: damaged ({first}): derive it again from records.db") from error


def _plain_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as the database gives them: pandas 3 reads them as a type of its own, pandas 2 does not."""
    texts = [name for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)]
    return frame.astype(dict.fromkeys(texts, "object"))


def write_csv(frame: pd.DataFrame, path: AnyPath) -> None:
    """Write a table for people: floats in full, texts that a spreadsheet would run made harmless."""
    path = as_path(path)
    safe = frame.rename(columns=neutralize)
    texts = [name for name, kind in zip(safe.columns, safe.dtypes, strict=True) if not _is_number(kind)]
    safe = safe.assign(**{name: safe[name].map(neutralize, na_action="ignore") for name in texts})
    replace_file(path, lambda stream: safe.to_csv(stream, mode="wb", index=False, encoding="utf-8"))


def _is_number(kind: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(kind))


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def neutralize(value: Any) -> Any:
    """Keep a spreadsheet from taking a text for a formula (OWASP ASVS 1.2.10); numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value
