"""Tables from Parquet and Arrow files, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.arrow import hold_bytes
from study.data.messages import quoted
from study.data.reading.blobs import Blob
from study.data.reading.decoding import decode_bytes
from study.data.reading.table import Table
from study.errors import DataError

if TYPE_CHECKING:
    import pyarrow


def read_arrow(blob: Blob, kind: str, form: dict[str, Any]) -> Table:
    """Read a Parquet file, or Arrow's own as `datasets` and Feather write it.

    Args:
        blob: The file.
        kind: `parquet` or `arrow`.
        form: What is known of how the file is read.

    Raises:
        DataError: If it is damaged, or a column that is used holds what its type does not allow.
    """
    import pyarrow

    with _whole(blob, kind):
        source: object = blob.path
        if blob.member is not None or blob.suffixes[1]:
            with blob.open() as stream:
                source = hold_bytes(stream.read())
        load = _parquet(source) if kind == "parquet" else _ipc(source)
        names, n_rows, class_names = load.names, load.n_rows, load.class_names

    def read_column(index: int, step: int) -> Sequence[object]:
        with _whole(blob, kind):
            column = load.column(index)
        if step > 1:
            column = column.take(pyarrow.array(range(0, n_rows, step)))
        return _cells(column, names[index], class_names.get(names[index]))

    return Table(
        name=blob.name,
        names=names,
        has_names=True,
        n_rows=n_rows,
        columns=[partial(read_column, index) for index in range(len(names))],
        form=form | {"format": kind},
    )


@dataclass(frozen=True)
class _Columns:
    names: list[str]
    n_rows: int
    column: Callable[[int], pyarrow.ChunkedArray]
    class_names: dict[str, list[str]]


def _parquet(source: object) -> _Columns:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(source)
    names = list(file.schema_arrow.names)

    @cache  # a column is sampled before it is read
    def column(index: int) -> pyarrow.ChunkedArray:
        if names.count(names[index]) > 1:
            return file.read().column(index)
        return file.read(columns=[names[index]]).column(names[index])

    return _Columns(names, file.metadata.num_rows, column, _class_names(file.schema_arrow))


def _ipc(source: Any) -> _Columns:
    import pyarrow.ipc

    opened = pyarrow.OSFile(str(source)) if isinstance(source, Path) else source
    try:
        table = pyarrow.ipc.open_file(opened).read_all()
    except pyarrow.ArrowInvalid:
        opened.seek(0)
        table = pyarrow.ipc.open_stream(opened).read_all()
    return _Columns(list(table.column_names), table.num_rows, table.column, _class_names(table.schema))


def _class_names(schema: pyarrow.Schema) -> dict[str, list[str]]:
    """Names of the classes that are kept as numbers, as Hugging Face's `datasets` writes them into a file."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        named = {
            name: feature.get("names") for name, feature in features.items() if isinstance(feature, dict)
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
    return {
        name: names
        for name, names in named.items()
        if isinstance(names, list)
        and all(isinstance(n, str) for n in names)
        and len(set(names)) == len(names)
    }


def _cells(column: pyarrow.ChunkedArray, name: str, class_names: list[str] | None) -> list[object]:
    """The values of a column; bytes that are not UTF-8 are found in the row they are in."""
    import pyarrow

    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError) as error:  # bytes that are not UTF-8 among them
        try:
            raws = column.cast("large_binary").to_pylist()
        except pyarrow.ArrowException:
            raise DataError(
                f"the cells of a column must be what its type says: {quoted(name)}, "
                f"{quoted(str(column.type))}, has others ({error}); correct it, or name another column"
            ) from error
        values = [None if raw is None else decode_bytes(raw, f"row {i + 1}") for i, raw in enumerate(raws)]
    if class_names is None:
        return values
    numbers = range(len(class_names))
    return [class_names[v] if isinstance(v, int) and v in numbers else v for v in values]


@contextmanager
def _whole(blob: Blob, kind: str) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's own; Arrow calls a damaged file an OSError too, but one without a number
        reason = str(error).partition("\n")[0]
        raise DataError(
            f"a .{kind} file must be whole: {quoted(blob.name)} is not ({reason}); write or copy it again"
        ) from error
