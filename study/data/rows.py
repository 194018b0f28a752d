"""What a source gives: texts, the names of their classes, perhaps a split; checked before use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
class Rows:
    """Rows as a source gives them, in its order.

    Attributes:
        texts: One text a row.
        labels: The name of each row's class.
        splits: Each row's split, or None where the source brings none.
        places: How to find each row, where its number does not tell: file names.
        file: What was read, None for a source that is made and not read.
    """

    texts: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[Split] | None = None
    places: Sequence[str] | None = None
    file: SourceFile | None = None

    def place(self, index: int) -> str:
        """Where a row is, for a message; rows count from 1 and a header is none."""
        return f"row {index + 1}" if self.places is None else self.places[index]


def check_rows(rows: Rows) -> None:
    """Refuse what nothing can be learnt from, or what would break further on.

    Raises:
        DataError: If there are no rows, an empty text, a NUL, half a surrogate pair, a text over 16 MB, fewer
            than two classes or too many of them.
    """
    if not rows.texts:
        message = "there must be texts to learn from: found 0 rows; check the source"
        raise DataError(message)
    for index, text in enumerate(rows.texts):
        # Quick tests that are almost always false; what is wrong is worked out only for a row that fails.
        if not text or text.isspace() or "\0" in text or len(text) > MAX_ROW_BYTES // 4:
            _check_text(text, rows, index)
        elif not text.isascii():
            _check_unicode(text, rows.place(index))
    classes = set(rows.labels)
    if len(classes) < 2:
        message = (
            f"there must be at least two classes: all {len(rows.labels)} rows have the label "
            f"{quoted(rows.labels[0])}; check the label column"
        )
        raise DataError(message)
    if len(classes) > MAX_CLASSES:
        message = (
            f"there may be at most {MAX_CLASSES} classes: the labels have {len(classes)} values; "
            "name a column of classes, not of identifiers"
        )
        raise DataError(message)


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
        message = f"a text must not be empty: {place} is{more}; remove such rows"
        raise DataError(message)
    if "\0" in text:
        message = (
            f"a text must not hold a NUL character: {place} has one at character {text.index(chr(0))}; "
            "remove it, or save the file as UTF-8 if it is UTF-16"
        )
        raise DataError(message)
    _check_unicode(text, place)
    check_size(len(text.encode()), place)


def _check_unicode(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = (
            f"a text must be valid Unicode: {place} has half a surrogate pair, {quoted(text[error.start])}, "
            f"at character {error.start}; remove it"
        )
        raise DataError(message) from error


def check_size(n_bytes: int, place: str) -> None:
    """Refuse a row that is over the limit.

    Raises:
        DataError: If it has more bytes than `MAX_ROW_BYTES`.
    """
    if n_bytes > MAX_ROW_BYTES:
        message = (
            f"a row may have at most {MAX_ROW_BYTES // 2**20} MB: {place} has {n_bytes / 2**20:.1f} MB; "
            "cut it, or check quoting and line ends"
        )
        raise DataError(message)


def decode(raw: bytes, place: str, offset: int = 0) -> str:
    """Decode UTF-8 strictly.

    Args:
        raw: Bytes to decode.
        place: Where they are, for the message.
        offset: Their position in the file.

    Raises:
        DataError: If they are not UTF-8 or hold a NUL byte, with the place and offset of the first bad byte.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = (
            f"texts must be UTF-8: {place} has the byte 0x{raw[error.start]:02x} at offset "
            f"{offset + error.start}; convert the file, for example with `iconv -f LATIN1 -t UTF-8`"
        )
        raise DataError(message) from error
    if "\0" in text:
        message = (
            f"a text must not hold a NUL character: {place} has one at offset {offset + raw.index(0)}; "
            "remove it, or save the file as UTF-8 if it is UTF-16"
        )
        raise DataError(message)
    return text
