"""Texts and labels from a DataFrame or Arrow table, kept as a file that a later leg finds again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from study.data.cache import default_cache_folder
from study.data.reading.cells import Gathered, label_name, read_texts
from study.data.reading.columns import Roles, find_roles, missing_label
from study.data.reading.table import Table
from study.data.rows import Rows, check_rows
from study.data.spec import DataSpec
from study.errors import EnvironmentFaultError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

    Frame: TypeAlias = pd.DataFrame | pyarrow.Table

_NAME = "the DataFrame"

Columns = dict[str, Sequence[str | None]]


def store_frame(frame: Frame, spec: DataSpec, folder: Path | None = None) -> Path:
    """Write the texts, labels and splits of a DataFrame or Arrow table to a file, all rows in their order.

    Args:
        frame: One row per text.
        spec: Names the columns, which are found where it does not; the index and all others are left out.
        folder: Where frames are kept, in the user's cache folder unless it is given.

    Returns:
        A .parquet file with these columns, under the names that the spec gives them or else `text`, `label`
        and `split`. Its name follows from their content: the same rows give the same file, so that a study
        that is run again is continued.

    Raises:
        DataError: If a column is missing, or a row cannot be learnt from; it is named, the first is row 1.
        EnvironmentFaultError: If the file cannot be written.
    """
    table = _table_of(frame)
    roles = find_roles(table, spec)
    if roles.label is None:
        raise missing_label(table)
    gathered = Gathered()
    gathered.add(table, roles, None, is_one_of_many=False)
    check_rows(Rows(texts=gathered.texts, labels=gathered.labels, places=gathered.places))
    columns = _columns_of(table, roles, spec)
    path = (folder or default_cache_folder() / "frames") / f"frame-{_digest(columns)[:16]}.parquet"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, columns)
    except OSError as error:
        raise EnvironmentFaultError(
            f"a DataFrame is kept as a file for its study: {path}: {error.strerror}; make room, or let "
            "XDG_CACHE_HOME name another folder"
        ) from error
    return path


def _table_of(frame: Frame) -> Table:
    """A frame as what is read from a file."""
    if hasattr(frame, "iloc"):
        names = [str(name) for name in frame.columns]
        # By position: a column may be called by a number.
        read = [partial(_pandas_cells, frame.iloc[:, index]) for index in range(len(names))]
        return Table(name=_NAME, names=names, has_names=True, n_rows=len(frame), columns=read)
    names = list(frame.column_names)
    cells = [partial(_arrow_cells, column) for column in frame.columns]
    return Table(name=_NAME, names=names, has_names=True, n_rows=len(frame), columns=cells)


def _pandas_cells(column: pd.Series[Any], step: int) -> list[object]:
    """The values of a column as Python's own; None where there is none."""
    values = column.iloc[::step].astype(object)
    return list(values.where(values.notna(), None).tolist())


def _arrow_cells(column: pyarrow.ChunkedArray, step: int) -> list[object]:
    cells: list[object] = column.to_pylist()
    return cells[::step]


def _columns_of(table: Table, roles: Roles, spec: DataSpec) -> Columns:
    """All rows, also those that will be left out: how many they are is told by whoever reads the file."""
    columns: Columns = {}
    for index, name in zip(roles.text, spec.text_columns, strict=False):
        columns[name] = read_texts(table, [index])
    if not columns:
        columns["text"] = read_texts(table, roles.text)
    assert roles.label is not None
    labels = table.columns[roles.label](1)
    columns[spec.label or "label"] = [
        None if label is None else label_name(label, f"row {row}")
        for row, label in enumerate(labels, start=1)
    ]
    if roles.split is not None:
        columns[spec.split or "split"] = [str(split) for split in table.columns[roles.split](1)]
    return columns


def _write(path: Path, columns: Columns) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from analysis.records.atomic import replace_file

    table = pa.table({name: pa.array(cells, pa.large_string()) for name, cells in columns.items()})
    replace_file(path, lambda stream: pq.write_table(table, stream, compression="zstd"))


def _digest(columns: Columns) -> str:
    """The sha256 of the columns' names and all that is in them."""
    digest = hashlib.sha256()
    for column in (list(columns), *columns.values()):
        encoded = [(cell or "").encode() for cell in column]
        # The lengths first: else a word moved from one cell to the next would leave the digest as it was.
        digest.update(np.array([len(encoded), *map(len, encoded)], dtype="<i8").tobytes())
        digest.update(b"".join(encoded))
    return digest.hexdigest()
