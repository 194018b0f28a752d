"""Rows from a path: a table in one of four formats, or a folder of texts."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from study.data.columns import find_columns, label_name, rows_of_table
from study.data.delimited import read_delimited, read_json_lines
from study.data.messages import listed, nearest, quoted
from study.data.rows import Rows, SourceFile, check_size, decode
from study.data.spec import BUILT_IN_SOURCES, DataSpec
from study.data.splits import Split, canonical_split
from study.errors import DataError

if TYPE_CHECKING:
    import pyarrow

logger = logging.getLogger(__name__)

_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_UNLABELLED = "unsup"
"""aclImdb ships its unlabelled reviews in a folder of this name beside those of the classes."""


def read_path(spec: DataSpec) -> Rows:
    """Read the rows of a file or folder.

    Args:
        spec: A spec whose source is a path.

    Raises:
        DataError: If there is no such path, its format is none of ours, or its content cannot be learnt from.
    """
    path = Path(spec.source).expanduser()
    try:
        if path.is_dir():
            return _read_folder(path)
        if not path.is_file():
            message = (
                f"a source must be one of {', '.join(BUILT_IN_SOURCES)}, or a file or folder that exists: "
                f"got {spec.source!r}{nearest(path.name, BUILT_IN_SOURCES)}; check the path"
            )
            raise DataError(message)
        return _read_file(path, spec)
    except OSError as error:
        message = f"the source must be readable: {spec.source!r} is not ({error.strerror}); check it"
        raise DataError(message) from error


def _read_file(path: Path, spec: DataSpec) -> Rows:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    file = SourceFile(name=path.name, n_bytes=path.stat().st_size, sha256=digest)
    match path.suffix.lower():
        case ".csv":
            return read_delimited(path, spec, file, ",")
        case ".tsv":
            return read_delimited(path, spec, file, "\t")
        case ".jsonl":
            return read_json_lines(path, spec, file)
        case ".parquet":
            return _read_parquet(path, spec, file)
    message = (
        f"a file of texts must end in one of {', '.join(_SUFFIXES)}: got {quoted(path.name)}; "
        "convert it or name it so"
    )
    raise DataError(message)


def _read_parquet(path: Path, spec: DataSpec, file: SourceFile) -> Rows:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as parquet:
            columns = find_columns(parquet.schema_arrow.names, spec, path.name)
            table = parquet.read(columns=columns)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's own; Arrow calls a damaged file an OSError too, but one without a number
        reason = str(error).partition("\n")[0]
        message = (
            f"a .parquet file must be whole: {quoted(path.name)} is not ({reason}); write or copy it again"
        )
        raise DataError(message) from error
    values = [_cells(table.column(column), column) for column in columns]
    return rows_of_table(values[0], values[1], values[2] if len(values) > 2 else None, file)


def _cells(column: pyarrow.ChunkedArray, name: str) -> list[object]:
    """The values of a column; bytes that are not UTF-8 are found in the row they are in."""
    import pyarrow

    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError) as error:  # bytes that are not UTF-8 among them
        try:
            raws = column.cast("large_binary").to_pylist()
        except pyarrow.ArrowException:
            message = (
                f"the cells of a column must be what its type says: {quoted(name)}, "
                f"{quoted(str(column.type))}, has others ({error}); correct it, or name another column"
            )
            raise DataError(message) from error
        values = [None if raw is None else decode(raw, f"row {i + 1}") for i, raw in enumerate(raws)]
    return values


def _read_folder(root: Path) -> Rows:
    """Read a tree split/label/*.txt, in the order of its names."""
    texts: list[str] = []
    labels: list[str] = []
    splits: list[Split] = []
    places: list[str] = []
    digest = hashlib.sha256()
    n_bytes = 0
    for path, split in _files(root):
        place = repr(path.relative_to(root).as_posix())
        if not path.is_file():  # of a pipe or a device the end may never come
            message = f"a text must be a file: {place} in {quoted(root.name)} is none; remove it"
            raise DataError(message)
        check_size(path.stat().st_size, place)
        raw = path.read_bytes()
        digest.update(f"{place}\0{len(raw)}\0".encode())
        digest.update(raw)
        n_bytes += len(raw)
        texts.append(decode(raw, place).removeprefix("\ufeff"))
        labels.append(label_name(path.parent.name, place))
        splits.append(split)
        places.append(place)
    file = SourceFile(name=root.name, n_bytes=n_bytes, sha256=digest.hexdigest())
    return Rows(texts=texts, labels=labels, splits=splits, places=places, file=file)


def _files(root: Path) -> list[tuple[Path, Split]]:
    folders = sorted(
        folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith(".")
    )
    found = [(folder, split) for folder in folders if (split := canonical_split(folder.name))]
    if not any(split == "train" for _, split in found):
        message = (
            f"a folder of texts must be laid out as split/label/*.txt and have train: {quoted(root.name)}"
            f" has the folders {listed([folder.name for folder in folders]) or 'none'}; rename or add it"
        )
        raise DataError(message)
    files: list[tuple[Path, Split]] = []
    for folder, split in found:
        for label in sorted(path for path in folder.iterdir() if path.is_dir()):
            if label.name == _UNLABELLED:
                logger.info("%s: left out, its texts have no label", label)
                continue
            files.extend((path, split) for path in sorted(label.glob("*.txt")))
    return files
