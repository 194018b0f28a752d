"""The columns of a table that hold texts, labels and splits."""

from __future__ import annotations

from collections.abc import Sequence

from study.data.messages import listed, nearest, quoted
from study.data.rows import Rows, SourceFile
from study.data.spec import DataSpec
from study.data.splits import SPLITS, Split, canonical_split
from study.errors import DataError

_DEFAULT_SPLIT_COLUMN = "split"


def find_columns(there: Sequence[str], spec: DataSpec, name: str) -> list[str]:
    """The columns to read: text, label and, where there is one, split.

    Args:
        there: The table's columns.
        spec: The names asked for.
        name: The file's name, for the message.

    Raises:
        DataError: If a column is missing or there twice, with the columns there are and the nearest.
    """
    wanted = [spec.text, spec.label]
    if spec.split is not None:
        wanted.append(spec.split)
    elif _DEFAULT_SPLIT_COLUMN in there:
        wanted.append(_DEFAULT_SPLIT_COLUMN)
    for role, column in zip(("text", "label", "split"), wanted, strict=False):
        n_found = sum(column == other for other in there)
        if n_found != 1:
            hint = "" if n_found else nearest(column, there)
            message = (
                f"{quoted(name)} must have one column of {role}s named {quoted(column)}{hint}: it has "
                f"{listed(there) or 'none'}; name the right one as `{role}`"
            )
            raise DataError(message)
    return wanted


def rows_of_table(
    texts: Sequence[object], labels: Sequence[object], splits: Sequence[object] | None, file: SourceFile
) -> Rows:
    """Rows from the cells of a table, each cell checked.

    Raises:
        DataError: If a text is no text, a label names no class, or a split is none of ours.
    """
    return Rows(
        texts=[_text(value, index) for index, value in enumerate(texts)],
        labels=[label_name(value, f"row {index}") for index, value in enumerate(labels, start=1)],
        splits=None if splits is None else [_split(value, index) for index, value in enumerate(splits)],
        file=file,
    )


def _text(value: object, index: int) -> str:
    if value is None:
        return ""  # refused as an empty text, with all others of its kind
    if not isinstance(value, str):
        message = (
            f"a text must be a string: row {index + 1} has {quoted(value)} ({type(value).__name__}); "
            "name the column that holds texts as `text`"
        )
        raise DataError(message)
    return value


def label_name(value: object, place: str) -> str:
    """The name of a class from what stands in a row or on a folder: a name, a whole number, a truth value.

    Raises:
        DataError: If it is anything else, with the place.
    """
    match value:
        case bool():
            return str(value).lower()
        case str() if value and value.isprintable():
            return value
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
    message = (
        f"a label must be a printable name or a whole number: {place} has {quoted(value)}; "
        "correct it, or name the column of classes as `label`"
    )
    raise DataError(message)


def _split(value: object, index: int) -> Split:
    split = canonical_split(value) if isinstance(value, str) else None
    if split is None:
        message = (
            f"a split must be one of {', '.join(SPLITS)}: row {index + 1} has {quoted(value)}; correct it, "
            "or name another column as `split`"
        )
        raise DataError(message)
    return split
