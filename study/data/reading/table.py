"""A table as it was read, before anybody knows which of its columns are the texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

SAMPLED = 2000
"""Rows that are looked at to tell texts from labels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Columns with names.

    Attributes:
        name: Of the file, for messages.
        names: Of the columns; `1`, `2` ... where the file has none.
        has_names: Whether the file names its columns.
        n_rows: Its rows.
        columns: For each column, gives every n-th of its cells.
        form: How the file was read: format, encoding, delimiter ...
        line_numbers: Of each row, where a message needs them.
    """

    name: str
    names: Sequence[str]
    has_names: bool
    n_rows: int
    columns: Sequence[Callable[[int], Sequence[object]]]
    form: dict[str, Any] = field(default_factory=dict)
    line_numbers: Sequence[int] | None = None

    @classmethod
    def of_rows(
        cls, name: str, names: Sequence[str] | None, rows: Sequence[Sequence[object]], form: dict[str, Any]
    ) -> Table:
        """A table of rows that all have the same number of cells."""
        width = len(names) if names is not None else len(rows[0]) if rows else 0
        return cls(
            name=name,
            names=[str(index + 1) for index in range(width)] if names is None else names,
            has_names=names is not None,
            n_rows=len(rows),
            columns=[partial(_every, rows, index) for index in range(width)],
            form=form,
        )

    @cached_property
    def sample(self) -> list[list[object]]:
        """Cells of each column, of rows spread evenly: classes often stand one after the other."""
        step = max(1, self.n_rows // SAMPLED)
        return [list(read(step)) for read in self.columns]


def _every(rows: Sequence[Sequence[object]], index: int, step: int) -> list[object]:
    return [row[index] for row in rows[::step]]
