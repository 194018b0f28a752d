"""Texts alone, with their labels where there are any: what a trained model is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.records.paths import as_path
from analysis.words.numbers import count
from study.data.files import read_path
from study.data.messages import quoted
from study.data.reading.blobs import find_blobs
from study.data.reading.cells import read_texts
from study.data.reading.columns import TEXT_WORDS, find_roles
from study.data.reading.dialects import Dialect, try_dialect
from study.data.reading.formats import lines_of, read_tables
from study.data.spec import DataSpec
from study.errors import DataError


@dataclass(frozen=True)
class Texts:
    """Texts in the order of their file, none left out.

    Attributes:
        texts: One a row; an empty one is a row without a text.
        said: How they were read, in a sentence.
    """

    texts: list[str]
    said: str


def read_unlabelled(spec: DataSpec) -> Texts:
    """Read the texts of a file or folder that may or may not have labels.

    A file that is no table holds a text a line.

    Args:
        spec: A spec whose source is a path.

    Raises:
        DataError: If there is no such path, or it cannot be read.
    """
    path = as_path(spec.source)
    if not path.exists():
        raise DataError(
            f"texts come from a file or folder that exists: {quoted(spec.source)} does not; check --file"
        )
    try:
        if path.is_dir():
            rows = read_path(spec)
            return Texts(list(rows.texts), f"{count(len(rows.texts), 'text')} of {path.name}")
        if not path.is_file():  # of a pipe or a device the end may never come
            raise DataError(
                f"texts are read from files and folders: {quoted(spec.source)} is neither; check --file"
            )
        blobs = find_blobs(path)
        if len(blobs) > 1:
            rows = read_path(spec)
            return Texts(list(rows.texts), f"{count(len(rows.texts), 'text')} of {path.name}")
        return _read_file(spec, path)
    except OSError as error:
        raise DataError(
            f"texts must be readable: {quoted(spec.source)} is not ({error.strerror}); check --file"
        ) from error


def _read_file(spec: DataSpec, path: Path) -> Texts:
    blob = find_blobs(path)[0]
    single = None if spec.text_columns or spec.delimiter else _read_single(spec, path)
    if single is not None:
        return single
    tables = read_tables(blob, spec)
    if not tables:
        lines, _ = lines_of(blob, spec)
        texts = [line.rstrip("\r\n") for line in lines]
        return Texts(texts, f"{count(len(texts), 'text')} of {path.name}, one a line")
    texts = []
    for _, table in tables:
        texts += read_texts(table, find_roles(table, spec).text)
    return Texts(texts, f"{count(len(texts), 'text')} of {path.name}")


def _read_single(spec: DataSpec, path: Path) -> Texts | None:
    """A .csv of one column: texts, perhaps below a name; None for any other file."""
    blob = find_blobs(path)[0]
    if blob.suffixes[0] not in (".csv", ".tsv"):
        return None
    lines, _ = lines_of(blob, spec)
    trial = try_dialect(Dialect("," if blob.suffixes[0] == ".csv" else "\t", "double"), lines)
    if not trial.rows or set(map(len, trial.rows)) != {1}:
        return None
    texts = [row[0] for row in trial.rows]
    is_named = spec.header if spec.header is not None else texts[0].strip().lower() in TEXT_WORDS
    texts = texts[1:] if is_named else texts
    return Texts(texts, f"{count(len(texts), 'text')} of {path.name}, in its only column")
