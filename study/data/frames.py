"""Texts and labels from a DataFrame, kept as a file that a later leg of the study finds again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from study.data.cache import default_cache_folder
from study.data.columns import find_columns, rows_of_table
from study.data.rows import Rows, SourceFile, check_rows
from study.data.spec import DataSpec
from study.errors import EnvironmentFaultError

if TYPE_CHECKING:
    import pandas as pd

_NAME = "the DataFrame"


def store_frame(frame: pd.DataFrame, spec: DataSpec, folder: Path | None = None) -> Path:
    """Write the texts, labels and splits of a DataFrame to a file, all rows in their order.

    Args:
        frame: One row per text.
        spec: Names the columns; the index and all other columns are left out.
        folder: Where frames are kept, in the user's cache folder unless it is given.

    Returns:
        A .parquet file with these columns. Its name follows from their content: the same rows give the same
        file, so that a study that is run again is continued.

    Raises:
        DataError: If a column is missing, or a row cannot be learnt from; it is named, the first is row 1.
        EnvironmentFaultError: If the file cannot be written.
    """
    names = [str(name) for name in frame.columns]
    wanted = find_columns(names, spec, _NAME)
    # By position: a column may be called by a number.
    columns = [_cells(frame.iloc[:, names.index(name)]) for name in wanted]
    origin = SourceFile(name=_NAME, n_bytes=0, sha256="")
    rows = rows_of_table(columns[0], columns[1], columns[2] if len(columns) > 2 else None, origin)
    check_rows(rows)
    contents: list[Sequence[str]] = [rows.texts, rows.labels, *([] if rows.splits is None else [rows.splits])]
    path = (folder or default_cache_folder() / "frames") / f"frame-{_digest(wanted, rows)[:16]}.parquet"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, dict(zip(wanted, contents, strict=True)))
    except OSError as error:
        raise EnvironmentFaultError(
            f"a DataFrame is kept as a file for its study: {path}: {error.strerror}; make room, or let "
            "XDG_CACHE_HOME name another folder"
        ) from error
    return path


def _cells(column: pd.Series[Any]) -> list[object]:
    """The values of a column as Python's own; None where there is none."""
    values = column.astype(object)
    return list(values.where(values.notna(), None).tolist())


def _write(path: Path, columns: dict[str, Sequence[str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from analysis.records.atomic import replace_file

    table = pa.table({name: pa.array(cells, pa.large_string()) for name, cells in columns.items()})
    replace_file(path, lambda stream: pq.write_table(table, stream, compression="zstd"))


def _digest(names: Sequence[str], rows: Rows) -> str:
    """The sha256 of the columns' names and all that is in them."""
    digest = hashlib.sha256()
    for column in (names, rows.texts, rows.labels, rows.splits or ()):
        encoded = [cell.encode() for cell in column]
        # The lengths first: else a word moved from one cell to the next would leave the digest as it was.
        digest.update(np.array([len(encoded), *map(len, encoded)], dtype="<i8").tobytes())
        digest.update(b"".join(encoded))
    return digest.hexdigest()
