"""From the cells of a table to rows: each text, label and split checked, and what has none left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from study.data.messages import quoted
from study.data.reading.columns import Roles, missing_label
from study.data.reading.json_tables import MISSING
from study.data.reading.table import Table
from study.data.splits import SPLITS, Split, canonical_split
from study.errors import DataError


@dataclass
class Gathered:
    """Rows as they come together from one file after the other."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[Split | None] = field(default_factory=list)
    places: list[str | int] = field(default_factory=list)
    n_read: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def put(self, text: str, label: str, split: Split | None, place: str | int) -> None:
        """Take one row."""
        self.texts.append(text)
        self.labels.append(label)
        self.splits.append(split)
        self.places.append(place)

    def add(self, table: Table, roles: Roles, split: Split | None, *, is_one_of_many: bool) -> None:
        """Take the rows of a table.

        Args:
            table: The table.
            roles: Its columns.
            split: Of all its rows, where its name tells.
            is_one_of_many: Whether a row's number does not tell where it is.

        Raises:
            DataError: If a cell is none of what its column is to hold, with its row.
        """
        if roles.label is None:
            raise missing_label(table)
        texts = read_texts(table, roles.text)
        labels = table.columns[roles.label](1)
        splits = table.columns[roles.split](1) if roles.split is not None and split is None else None
        is_filled = [bool(text) and not text.isspace() for text in texts]
        is_labelled = [not _is_none(label) for label in labels]
        if texts and not any(is_filled):
            raise DataError(
                f"a text must not be empty: row 1 of {quoted(table.name)} is (one of {len(texts)}); name the "
                "column that holds texts as `text`"
            )
        if 2 * sum(is_labelled) <= len(labels):  # half of them are no gaps: another column is meant
            is_labelled = [True] * len(labels)
        for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
            if is_filled[row] and is_labelled[row]:
                name = _label(label, table, row)
                part = split if splits is None else _split(splits[row], row)
                self.put(
                    text, name, part, f"row {row + 1} of {quoted(table.name)}" if is_one_of_many else row
                )
        self.n_read += table.n_rows
        self.left_out.update({"empty text": is_filled.count(False)})
        n_gaps = sum(filled and not labelled for filled, labelled in zip(is_filled, is_labelled, strict=True))
        self.left_out.update({"no label": n_gaps})
        self.left_out = +self.left_out

    def drop_unlabelled_splits(self) -> None:
        """Leave out a validation or test split of which all rows, and no others, have the label -1."""
        for split in ("validation", "test"):
            labels = {label for label, there in zip(self.labels, self.splits, strict=True) if there == split}
            if labels != {"-1"} or any(
                label == "-1" and there != split
                for label, there in zip(self.labels, self.splits, strict=True)
            ):
                continue
            kept = [row for row, there in enumerate(self.splits) if there != split]
            self.left_out["no label"] += len(self.splits) - len(kept)
            self.texts = [self.texts[row] for row in kept]
            self.labels = [self.labels[row] for row in kept]
            self.places = [self.places[row] for row in kept]
            self.splits = [self.splits[row] for row in kept]


def label_name(value: object, place: str) -> str:
    """The name of a class from what stands in a row or on a folder: a name, a whole number, a truth value.

    Raises:
        DataError: If it is anything else, with the place.
    """
    match value:
        case bool():
            return str(value).lower()
        case str() if value.strip() and value.strip().isprintable():
            return value.strip()
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
    raise DataError(
        f"a label must be a printable name or a whole number: {place} has {quoted(value)}; "
        "correct it, or name the column of classes as `label`"
    )


def read_texts(table: Table, indices: Sequence[int]) -> list[str]:
    """The texts of a table, of several columns joined by a space; empty where a row has none.

    Raises:
        DataError: If a cell is no text, with its row.
    """
    columns = [table.columns[index](1) for index in indices]
    if len(columns) == 1:
        return [_text(value, table, row) for row, value in enumerate(columns[0])]
    joined = []
    for row, values in enumerate(zip(*columns, strict=True)):
        parts = [_text(None if value is MISSING else value, table, row) for value in values]
        joined.append(" ".join(part for part in parts if part and not part.isspace()))
    return joined


def _text(value: object, table: Table, row: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and value != value):
        return ""
    _check_there(value, "text", table, row)
    raise DataError(
        f"a text must be a string: row {row + 1} has {quoted(value)} ({type(value).__name__}); "
        "name the column that holds texts as `text`"
    )


def _check_there(value: object, role: str, table: Table, row: int) -> None:
    if value is MISSING:
        place = _place(row) if table.line_numbers is None else f"line {table.line_numbers[row]}"
        raise DataError(f"each line needs the same keys: {place} has no {quoted(role)}; add it")


def _is_none(label: object) -> bool:
    return (
        label is None
        or (isinstance(label, float) and label != label)
        or (isinstance(label, str) and not label.strip())
    )


def _place(row: int) -> str:
    return f"row {row + 1}"


def _label(value: object, table: Table, row: int) -> str:
    _check_there(value, "label", table, row)
    return label_name(value, _place(row))


def _split(value: object, row: int) -> Split:
    split = canonical_split(value) if isinstance(value, str) else None
    if split is None:
        raise DataError(
            f"a split must be one of {', '.join(SPLITS)}: row {row + 1} has {quoted(value)}; correct it, "
            "or name another column as `split`"
        )
    return split
