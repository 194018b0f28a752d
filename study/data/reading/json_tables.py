"""Tables from JSON: an object a line, a list of objects, columns, or such parts by split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from study.data.messages import listed, quoted
from study.data.reading.columns import LABEL_WORDS, TEXT_WORDS
from study.data.reading.table import Table
from study.data.splits import Split, split_in_name
from study.errors import DataError

_MAX_DEPTH = 4


def read_json_lines(lines: Sequence[str], name: str, form: dict[str, Any]) -> Table:
    """Read one JSON object a line.

    Raises:
        DataError: If a line is no JSON object, with its number.
    """
    numbers = [number for number, line in enumerate(lines, start=1) if not line.isspace()]
    records = [_record(lines[number - 1], number) for number in numbers]
    odd = next(
        (index for index, r in enumerate(records) if isinstance(r, list) != isinstance(records[0], list)),
        None,
    )
    table = _table_of(records, name, form | {"format": "JSON lines"}) if odd is None else None
    if table is None:
        index = len(records) - 1 if odd is None else odd
        raise _no_object(numbers[index], records[index])
    return replace(table, line_numbers=numbers)


def read_json(lines: Sequence[str], name: str, form: dict[str, Any]) -> list[tuple[Split | None, Table]]:
    """Read one JSON document; what has a part for each split gives a table for each.

    Raises:
        DataError: If it is no JSON, or no list of objects is found in it.
    """
    filled = [line for line in lines if not line.isspace()]
    if len(filled) > 1 and all(line.lstrip().startswith(("{", "[")) for line in filled[:3]):
        first = _try(filled[0].strip())
        if isinstance(first, dict) or (isinstance(first, list) and _try(filled[1].strip()) is not None):
            return [(None, read_json_lines(lines, name, form))]
    if not filled:
        return [(None, Table.of_rows(name, [], [], form | {"format": "JSON"}))]
    try:
        document = json.loads("".join(lines))
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
            return [(None, read_json_lines(lines, name, form))]
        raise DataError(f"a .json file must be JSON: {quoted(name)} is not ({error}); correct it") from error
    found = _find_tables(document, name, form | {"format": "JSON"}, _MAX_DEPTH)
    if not found:
        keys = listed(list(document)) if isinstance(document, Mapping) else quoted(document)
        raise DataError(
            f"a .json file must hold a list of objects with texts and labels: {quoted(name)} has {keys}; "
            "write one object a line as .jsonl"
        )
    return found


def _find_tables(
    node: object, name: str, form: dict[str, Any], depth: int
) -> list[tuple[Split | None, Table]]:
    if isinstance(node, list):
        table = _table_of(node, name, form)
        return [] if table is None else [(None, table)]
    if not isinstance(node, Mapping) or depth == 0:
        return []
    parts = [(split_in_name(str(key)), value) for key, value in node.items()]
    if any(split == "train" for split, _ in parts):
        return [
            (split, table)
            for split, value in parts
            if split is not None
            for _, table in _find_tables(value, name, form, depth - 1)
        ]
    columns = _columns_of(node)
    if columns is not None:
        n_rows = len(next(iter(columns.values())))
        rows = [[values[row] for values in columns.values()] for row in range(n_rows)]
        return [(None, Table.of_rows(name, list(columns), rows, form))]
    inner = [_find_tables(value, name, form, depth - 1) for value in node.values()]
    return max(inner, key=lambda found: sum(table.n_rows for _, table in found), default=[])


def _columns_of(node: Mapping[str, object]) -> dict[str, list[object]] | None:
    """Columns by name, each a list or, as pandas writes them, an object of the row numbers."""
    words = {str(key).lower() for key in node}
    if not (words & set(TEXT_WORDS) and words & set(LABEL_WORDS)):
        return None
    columns: dict[str, list[object]] = {}
    for key, value in node.items():
        if isinstance(value, list):
            columns[str(key)] = value
        elif isinstance(value, Mapping):
            columns[str(key)] = list(value.values())
    lengths = set(map(len, columns.values()))
    return columns if columns and len(lengths) == 1 else None


def _table_of(records: Sequence[object], name: str, form: dict[str, Any]) -> Table | None:
    """A table of objects, perhaps each in the `row` of another as data servers send it, or of lists."""
    if not records:
        return Table.of_rows(name, [], [], form)
    if all(isinstance(record, Mapping) for record in records):
        objects: list[Mapping[str, object]] = records  # type: ignore[assignment]
        if all(isinstance(record.get("row"), Mapping) for record in objects):
            objects = [record["row"] for record in objects]  # type: ignore[misc]
        names = list(dict.fromkeys(key for record in objects for key in record))
        return Table(
            name=name,
            names=names,
            has_names=True,
            n_rows=len(objects),
            columns=[partial(_values, objects, key) for key in names],
            form=form,
        )
    if all(isinstance(record, list) for record in records):
        lists: list[list[object]] = records  # type: ignore[assignment]
        if len(set(map(len, lists))) == 1 and len(lists[0]) > 1:
            return Table.of_rows(name, None, lists, form)
    return None


def _values(objects: Sequence[Mapping[str, object]], key: str, step: int) -> list[object]:
    return [record.get(key, MISSING) for record in objects[::step]]


class _Missing:
    """What stands where an object has no such key."""

    def __repr__(self) -> str:
        return "no such key"


MISSING = _Missing()


def _try(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _record(line: str, number: int) -> object:
    try:
        record: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", error)  # of a JSONDecodeError, without its own idea of the line
        raise DataError(
            f"each line must be one JSON object: line {number} is not ({reason}); correct it"
        ) from error
    if not isinstance(record, Mapping | list):
        raise _no_object(number, record)
    return record


def _no_object(number: int, record: object) -> DataError:
    return DataError(
        f"each line must be one JSON object: line {number} is {quoted(record)}; write it as an object"
    )
