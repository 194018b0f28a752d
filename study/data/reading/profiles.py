"""What stands in a column of a table: sentences, what may be labels, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from study.data.reading.table import Table
from study.data.tokens.characters import share_unspaced

NUMBER = re.compile(r"[-+]?\d+(\.0+)?$")
FRACTION = re.compile(r"[-+]?(\d+\.\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)

_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
_ADDRESS = re.compile(r"(https?://|www\.)\S+$")
_MAX_LABEL = 100
_UNSPACED = 0.2


@dataclass(frozen=True)
class Profile:
    """What stands in a column."""

    n: int
    n_empty: int
    n_distinct: int
    mean_length: float
    is_free_text: bool
    may_be_label: bool
    is_string: bool

    @classmethod
    def of(cls, table: Table, index: int) -> Profile:
        """Describe one column by the rows that were sampled of it."""
        cells = table.sample[index]
        filled = [cell for cell in cells if not _is_empty(cell)]
        strings = [cell for cell in filled if isinstance(cell, str)]
        distinct = {str(cell).strip() for cell in filled}
        is_string = bool(strings) and len(strings) == len(filled)
        return cls(
            n=len(cells),
            n_empty=len(cells) - len(filled),
            n_distinct=len(distinct),
            mean_length=sum(map(len, strings)) / max(1, len(strings)),
            is_free_text=is_string and _is_free_text(strings),
            may_be_label=bool(filled) and all(_may_be_label(cell) for cell in filled),
            is_string=is_string,
        )


def _is_empty(cell: object) -> bool:
    return (
        cell is None
        or (isinstance(cell, float) and cell != cell)
        or (isinstance(cell, str) and not cell.strip())
    )


def _is_free_text(values: Sequence[str]) -> bool:
    """Whether strings are sentences: of several words or without spaces, different, of many shapes."""
    n = len(values)
    if len(set(values)) < 0.3 * n or sum(bool(_ADDRESS.match(value.strip())) for value in values) > n / 2:
        return False
    n_words = sum(len(value.split()) for value in values) / n
    n_unspaced = sum(share_unspaced(value[:50]) > _UNSPACED for value in values)
    if n_words < 3 and n_unspaced < n / 2:
        return False
    plain = [_DIGITS.sub("9", value) for value in values]
    n_different = len({word for value in plain for word in value.split()})
    # Dates and identifiers have few words and few shapes.
    return n_different > 0.3 * n or len({_LETTERS.sub("a", value) for value in plain}) > 0.2 * n


def _may_be_label(cell: object) -> bool:
    match cell:
        case bool() | int():
            return True
        case float():
            return cell.is_integer()
        case str():
            value = cell.strip()
            return (
                len(value) <= _MAX_LABEL
                and value.isprintable()
                and (not FRACTION.match(value) or bool(NUMBER.match(value)))
            )
    return False
