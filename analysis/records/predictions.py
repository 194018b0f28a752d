"""Validation predictions of each replicate, read when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.records.database import LAST_ATTEMPTS, open_records
from analysis.records.schema import RUN_KEY

if TYPE_CHECKING:
    import pandas as pd

RunKey = tuple[int, str, int]
"""Trial, phase and replicate."""

Right: TypeAlias = dict[RunKey, NDArray[np.bool_]]
"""Which texts each run got right."""

_MOST_BYTES = 256 * 2**20


def keys_of(runs: pd.DataFrame) -> list[RunKey]:
    """The key of each row of a table that has the columns of `RUN_KEY`."""
    return list(zip(*(runs[name] for name in RUN_KEY), strict=True))


class Predictions(Mapping[RunKey, NDArray[np.float32]]):
    """Validation probabilities by (trial, phase, replicate), read when asked for: they outweigh all else.

    A value has the shape (n_validation,) for two classes, the probability of the second, and
    (n_validation, n_classes) for more.
    """

    def __init__(self, database: Path | None, n_validation: int, n_classes: int) -> None:
        self._database = database
        self._shape = (n_validation,) if n_classes <= 2 else (n_validation, n_classes)
        self._keys = _prediction_keys(database)

    def __iter__(self) -> Iterator[RunKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def n_bytes(self) -> int:
        """What all values together take in the file."""
        return 2 * int(np.prod(self._shape)) * len(self._keys)

    def __getitem__(self, key: RunKey) -> NDArray[np.float32]:
        if key not in self._keys or self._database is None:
            raise KeyError(key)
        with open_records(self._database) as connection:
            query = (
                "SELECT probabilities FROM predictions"
                " WHERE trial = ? AND phase = ? AND replicate = ? AND attempt = ?"
            )
            row = connection.execute(query, (*key, self._keys[key])).fetchone()
        size = int(np.prod(self._shape))
        if row is None or len(row[0]) != 2 * size:
            raise AnalysisError(
                f"{self._database}: predictions of trial {key[0]}, replicate {key[2]} do not hold "
                f"{size} numbers: run `study verify`, or remove them"
            )
        values = np.frombuffer(row[0], dtype="<f2").astype(np.float32).reshape(self._shape)
        if not np.isfinite(values).all() or values.min(initial=0) < 0 or values.max(initial=0) > 1:
            raise AnalysisError(
                f"{self._database}: predictions of trial {key[0]}, replicate {key[2]} are not "
                "probabilities: run `study verify`, or remove them"
            )
        return values


def read_hits(predictions: Predictions, labels: NDArray[np.integer[Any]]) -> Right:
    """Read which validation texts each run got right at its best epoch.

    Args:
        predictions: Where they were kept.
        labels: The true classes.

    Returns:
        By (trial, phase, replicate), True where right, shape (n_validation,). Empty where nothing was kept,
        or so much that to read it would take longer than to judge without: then what is said is of these
        texts.
    """
    return (
        {}
        if predictions.n_bytes > _MOST_BYTES
        else {key: classes_of(predictions[key]) == labels for key in predictions}
    )


def classes_of(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The class that is thought likeliest of each text; of two, the second from one half on."""
    if probabilities.ndim == 1:
        return (probabilities > 0.5).astype(np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def _prediction_keys(database: Path | None) -> dict[RunKey, int]:
    if database is None:
        return {}
    query = LAST_ATTEMPTS.format(columns="trial, phase, replicate, attempt", table="predictions")
    with open_records(database) as connection:
        return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}
