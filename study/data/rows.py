"""What a source gives: texts, the names of their classes, perhaps a split; checked before use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.data.messages import quoted
from study.data.splits import Split
from study.errors import DataError

MAX_ROW_BYTES = 16 * 2**20
"""A text over 16 MB is a file in a cell, not a text; refusing it bounds the memory that one row can take."""

MAX_CLASSES = 65_535
"""Labels are stored in two bytes."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """The file or folder that was read, as it was then.

    Attributes:
        name: File name without the folders that led to it.
        n_bytes: Its size; of a folder, of all texts in it.
        sha256: Of its bytes; of a folder, of the names and bytes of all texts in it. Not of time stamps.
    """

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files were read, as found or as asked for, and which rows were left out.

    Attributes:
        form: Format, encoding, delimiter, quoting, header, columns ... by name, as plain values.
        files: For each file or folder of texts its name, rows and, where the name tells, split or label.
        n_read: Rows that the files hold.
        left_out: How many of them are not used, by the reason.
        notes: What a reader should know of the guesses, in sentences.
    """

    form: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]]
    n_read: int
    left_out: Mapping[str, int]
    notes: Sequence[str] = ()

    def to_document(self) -> dict[str, Any]:
        """As plain values, for the manifest."""
        return {
            **self.form,
            "files": [dict(file) for file in self.files[:_MAX_FILES]],
            "rows_read": self.n_read,
            "rows_left_out": dict(self.left_out),
            "notes": list(self.notes),
        }


_MAX_FILES = 12  # in the manifest


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as a source gives them, in its order.

    Attributes:
        texts: One text a row.
        labels: The name of each row's class.
        splits: Each row's split, or None where the source brings none.
        places: How to find each row, where its index here does not tell: its file, or its number from 0.
        file: What was read, None for a source that is made and not read.
        reading: How it was read and what was left out, None for a source that is made.
    """

    texts: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[Split] | None = None
    places: Sequence[str | int] | None = None
    file: SourceFile | None = None
    reading: Reading | None = None

    def place(self, index: int) -> str:
        """Where a row is, for a message; rows count from 1 and a header is none."""
        place = index if self.places is None else self.places[index]
        return place if isinstance(place, str) else f"row {place + 1}"


def check_rows(rows: Rows) -> None:
    """Refuse what nothing can be learnt from, or what would break further on.

    Raises:
        DataError: If there are no rows, an empty text, a NUL, half a surrogate pair, a text over 16 MB, fewer
            than two classes or too many of them.
    """
    if not rows.texts:
        raise DataError("there must be texts to learn from: found 0 rows; check the source")
    for index, text in enumerate(rows.texts):
        # Quick tests that are almost always false; what is wrong is worked out only for a row that fails.
        if not text or text.isspace() or "\0" in text or len(text) > MAX_ROW_BYTES // 4:
            _check_text(text, rows, index)
        elif not text.isascii():
            _check_unicode(text, rows.place(index))
    classes = set(rows.labels)
    if len(classes) < 2:
        raise DataError(
            f"there must be at least two classes: all {len(rows.labels)} rows have the label "
            f"{quoted(rows.labels[0])}; check the label column"
        )
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f"there may be at most {MAX_CLASSES} classes: the labels have {len(classes)} values; "
            "name a column of classes, not of identifiers"
        )


def class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """The classes in order: as numbers where all are whole numbers, else alphabetical."""
    names = set(labels)
    if all(name.lstrip("-").isdecimal() and len(name) < 19 for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _check_text(text: str, rows: Rows, index: int) -> None:
    place = rows.place(index)
    if not text or text.isspace():
        n_empty = sum(not text or text.isspace() for text in rows.texts)
        more = f" (one of {n_empty})" if n_empty > 1 else ""
        raise DataError(f"a text must not be empty: {place} is{more}; remove such rows")
    if "\0" in text:
        raise DataError(
            f"a text must not hold a NUL character: {place} has one at character {text.index(chr(0))}; "
            "remove it, or save the file as UTF-8 if it is UTF-16"
        )
    _check_unicode(text, place)
    check_size(len(text.encode()), place)


def _check_unicode(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"a text must be valid Unicode: {place} has half a surrogate pair, {quoted(text[error.start])}, "
            f"at character {error.start}; remove it"
        ) from error


def check_size(n_bytes: int, place: str, limit: int = MAX_ROW_BYTES) -> None:
    """Refuse a row that is over the limit.

    Raises:
        DataError: If it has more bytes than the limit.
    """
    if n_bytes > limit:
        raise DataError(
            f"a row may have at most {limit // 2**20} MB: {place} has {n_bytes / 2**20:.1f} MB; "
            "cut it, or check quoting and line ends"
        )
