"""Rows from .csv, .tsv and .jsonl files, line by line, so that no bad byte or line goes by unnoticed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study.data.columns import find_columns, rows_of_table
from study.data.messages import quoted
from study.data.rows import MAX_ROW_BYTES, Rows, SourceFile, check_size, decode
from study.data.spec import DataSpec
from study.errors import DataError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_delimited(path: Path, spec: DataSpec, file: SourceFile, delimiter: str) -> Rows:
    """Read a file of delimited values with a header; fields may be quoted by `"` and then hold line ends.

    Raises:
        DataError: If a line breaks the rules of the format, with its number, or a column is missing.
    """
    cells: list[list[str]] = []
    with _field_limit(MAX_ROW_BYTES):
        # strict: a stray quote would otherwise swallow rows without a word.
        reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
            for row in reader:
                if row:  # an empty line
                    _check_width(row, header, reader.line_num)
                    cells.append(row)
        except csv.Error as error:
            message = (
                f"{quoted(path.name)} must be well-formed: {error} in the row that ends at line "
                f"{reader.line_num}; "
                'put texts with quotes, delimiters or line ends in "..." and double the quotes inside'
            )
            raise DataError(message) from error
    positions = [header.index(column) for column in find_columns(header, spec, path.name)]
    columns = [[row[position] for row in cells] for position in positions]
    return rows_of_table(columns[0], columns[1], columns[2] if len(columns) > 2 else None, file)


def read_json_lines(path: Path, spec: DataSpec, file: SourceFile) -> Rows:
    """Read a file with one JSON object a line.

    Raises:
        DataError: If a line is no JSON object or lacks a key, with its number.
    """
    records: list[dict[str, object]] = []
    columns: list[str] = []
    for number, line in enumerate(_lines(path), start=1):
        if line.isspace():
            continue
        record = _json_object(line, number)
        columns = columns or find_columns(list(record), spec, path.name)
        missing = [column for column in columns if column not in record]
        if missing:
            message = f"each line needs the same keys: line {number} has no {quoted(missing[0])}; add it"
            raise DataError(message)
        records.append(record)
    columns = columns or find_columns([], spec, path.name)
    cells = [[record[column] for record in records] for column in columns]
    return rows_of_table(cells[0], cells[1], cells[2] if len(cells) > 2 else None, file)


def _json_object(line: str, number: int) -> dict[str, object]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", error)  # of a JSONDecodeError, without its own idea of the line
        message = f"each line must be one JSON object: line {number} is not ({reason}); correct it"
        raise DataError(message) from error
    if not isinstance(record, dict):
        message = (
            f"each line must be one JSON object: line {number} is {quoted(record)}; write it as an object"
        )
        raise DataError(message)
    return record


def _check_width(row: list[str], header: list[str], line: int) -> None:
    if len(row) != len(header):
        message = (
            f"each row needs the header's {len(header)} fields: the row that ends at line {line} "
            f"has {len(row)}; "
            'put texts that contain delimiters in "..."'
        )
        raise DataError(message)


def _lines(path: Path) -> Iterator[str]:
    """Decoded lines with their ends; a byte order mark is dropped."""
    offset = 0
    number = 0
    with path.open("rb") as stream:
        while raw := stream.readline(MAX_ROW_BYTES + 1):
            number += 1
            place = f"line {number} of {quoted(path.name)}"
            check_size(len(raw), place)
            mark = _BYTE_ORDER_MARK if number == 1 else b""
            yield decode(raw.removeprefix(mark), place, offset + len(mark) * raw.startswith(mark))
            offset += len(raw)


@contextmanager
def _field_limit(limit: int) -> Iterator[None]:
    """Let csv read fields up to a limit; csv's own is 128 kB and global."""
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)
