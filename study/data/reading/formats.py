"""One file as a table, whatever its format: by its suffix, else by its first bytes and lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from study.data.messages import quoted
from study.data.reading.arrow_tables import read_arrow
from study.data.reading.blobs import Blob
from study.data.reading.decoding import read_lines
from study.data.reading.delimited import read_delimited
from study.data.reading.dialects import USUAL_DELIMITERS
from study.data.reading.json_tables import read_json, read_json_lines
from study.data.reading.lines import read_labelled_lines, read_marked_lines
from study.data.reading.table import Table
from study.data.spec import DataSpec
from study.data.splits import Split
from study.errors import DataError

Tables = list[tuple[Split | None, Table]]
"""What a file holds: a table, one for each split that it names, or none."""

_OFFICE = (
    ".xlsx",
    ".xls",
    ".ods",
    ".doc",
    ".docx",
    ".odt",
    ".pdf",
    ".xml",
    ".html",
    ".pkl",
    ".pickle",
    ".h5",
)
_TARS = (".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar")
_MAX_JSON_BYTES = 2**30


def read_tables(blob: Blob, spec: DataSpec) -> Tables:
    """The table in a file; a JSON document may hold one for each split. None where it holds only lines.

    Raises:
        DataError: If it is damaged, of a format that is not read, or could be read in two ways.
    """
    suffix, compression = blob.suffixes
    _check_suffix(blob, suffix)
    start = _start(blob)
    by_name = READERS.get(suffix, _read_text)
    read = next((read for magic, read in _MAGIC.items() if start.startswith(magic)), by_name)
    return read(blob, spec, {"compression": compression} if compression else {})


def _read_arrow(blob: Blob, spec: DataSpec, form: dict[str, Any], *, kind: str) -> Tables:
    return [(None, read_arrow(blob, kind, form))]


def _read_json(blob: Blob, spec: DataSpec, form: dict[str, Any]) -> Tables:
    is_document = not _is_object(_start(blob).partition(b"\n")[0])
    if is_document and blob.path.stat().st_size > _MAX_JSON_BYTES:
        raise DataError(
            f"a .json document may have at most {_MAX_JSON_BYTES // 2**20} MB: {quoted(blob.name)} has more; "
            "write it as .jsonl, an object a line"
        )
    lines, form["encoding"] = lines_of(blob, spec, is_whole=is_document)
    return read_json(lines, blob.name, form)


def _read_json_lines(blob: Blob, spec: DataSpec, form: dict[str, Any]) -> Tables:
    lines, form["encoding"] = lines_of(blob, spec)
    return [(None, read_json_lines(lines, blob.name, form))]


def _read_text(blob: Blob, spec: DataSpec, form: dict[str, Any]) -> Tables:
    """Lines of whatever they prove to be."""
    suffix = blob.suffixes[0]
    lines, form["encoding"] = lines_of(blob, spec)
    if _begins_json(lines):
        return [(None, read_json_lines(lines, blob.name, form))]
    table: Table | None
    if spec.delimiter == " ":
        table = read_labelled_lines(lines, blob.name, form, is_sure=True)
    elif spec.delimiter is not None or suffix in USUAL_DELIMITERS:
        table = read_delimited(lines, blob.name, suffix, spec, form)
    else:
        table = read_marked_lines(lines, blob.name, form)
        table = table or read_delimited(lines, blob.name, suffix, spec, form)
        table = table or read_labelled_lines(lines, blob.name, form)
    return [] if table is None else [(None, table)]


_read_parquet = partial(_read_arrow, kind="parquet")
_read_arrow_file = partial(_read_arrow, kind="arrow")

_Reader = Callable[[Blob, DataSpec, dict[str, Any]], Tables]
"""Takes a file, what was asked for and what is known of how it is written, to which it adds."""

READERS: Mapping[str, _Reader] = {
    **dict.fromkeys(USUAL_DELIMITERS, _read_text),
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow_file,
    ".feather": _read_arrow_file,
}
"""By the suffix of what can be nothing but a table."""

_MAGIC: Mapping[bytes, _Reader] = {b"PAR1": _read_parquet, b"ARROW1": _read_arrow_file}
"""By how a file begins, whatever its name."""


def lines_of(blob: Blob, spec: DataSpec, *, is_whole: bool = False) -> tuple[list[str], str]:
    """The lines of a file and its encoding.

    Args:
        blob: The file.
        spec: Says the encoding, where one was asked for.
        is_whole: Whether a line may be as long as the file: that of a JSON document.
    """
    with blob.open() as stream:
        return read_lines(stream, blob.name, spec.encoding, max_bytes=_MAX_JSON_BYTES if is_whole else None)


def no_table(blob: Blob) -> DataError:
    """The error for a file of lines that are no table."""
    return DataError(
        f"texts need labels: the lines of {quoted(blob.name)} have neither a delimiter that all share nor a "
        "label at their beginning; say how they are written with `delimiter` and `label`, or give one file "
        "for each class in a folder"
    )


def _start(blob: Blob) -> bytes:
    with blob.open() as stream:
        return stream.peek(4096)[:4096]


def _begins_json(lines: list[str]) -> bool:
    return _is_object(next((line for line in lines if not line.isspace()), ""))


def _is_object(line: str | bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _check_suffix(blob: Blob, suffix: str) -> None:
    if suffix in _OFFICE:
        listed = ", ".join((*READERS, ".txt"))
        raise DataError(
            f"a file of texts must be a table of plain text, JSON or Parquet, {listed}: got "
            f"{quoted(PurePosixPath(blob.name).name)}; save it as .csv"
        )
    if suffix in _TARS:
        raise DataError(
            f"texts are read from a file, a folder or a .zip: got {quoted(PurePosixPath(blob.name).name)}; "
            "unpack it and name the folder"
        )
