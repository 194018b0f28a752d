"""What records keep of texts: how much of each a model sees, and the few that a report shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.records.database import open_records
from analysis.records.upgrade import list_columns

Counts = NDArray[np.uint32]


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A text, cut, in three parts: what the model saw, and what its length cut off on both sides."""

    before: str
    seen: str
    after: str

    def __str__(self) -> str:
        """The text in one line, what was not seen in brackets."""
        parts = (f"[{self.before}]" * bool(self.before), self.seen, f"[{self.after}]" * bool(self.after))
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextView:
    """What models of one vocabulary and length see of the texts that validate.

    Attributes:
        n_tokens: Tokens of each text, shape (n_validation,).
        n_seen: How many of them the model is given.
        n_unknown: How many of those are not in its vocabulary.
        excerpts: The texts that a report shows, by their index in the split.
    """

    n_tokens: Counts
    n_seen: Counts
    n_unknown: Counts
    excerpts: dict[int, Excerpt]


class Texts:
    """What is kept of the texts that validate, read when asked for; earlier releases kept nothing."""

    def __init__(self, database: Path | None = None, n_validation: int = 0) -> None:
        self._database, self._n_validation = database, n_validation

    def view(self, params: dict[str, Any]) -> TextView | None:
        """What a setting sees, None unless just that is kept.

        Args:
            params: The setting's; `vocab_size` and `sequence_length` count.

        Raises:
            AnalysisError: If what is kept fits no such study.
        """
        if self._database is None:
            return None
        with open_records(self._database) as connection:
            if not {"views", "excerpts"} <= set(list_columns(connection)):
                return None
            row = connection.execute(
                "SELECT n_tokens, n_seen, n_unknown FROM views"
                " WHERE split = 'validation' AND vocab_size = ? AND sequence_length = ?",
                (params.get("vocab_size"), params.get("sequence_length")),
            ).fetchone()
            if row is None:
                return None
            texts = connection.execute("SELECT row, before, seen, after FROM excerpts").fetchall()
        n_tokens, n_seen, n_unknown = (np.frombuffer(blob, dtype="<u4") for blob in row)
        fits = all(len(column) == self._n_validation for column in (n_tokens, n_seen, n_unknown))
        if not fits or (n_unknown > n_seen).any() or (n_seen > n_tokens).any():
            raise AnalysisError(
                f"{self._database}: lengths of {self._n_validation} validation texts are broken: "
                "run `study verify`, or restore the file from a copy"
            )
        excerpts = {row: Excerpt(before=before, seen=seen, after=after) for row, before, seen, after in texts}
        return TextView(n_tokens=n_tokens, n_seen=n_seen, n_unknown=n_unknown, excerpts=excerpts)
