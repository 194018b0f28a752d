"""Sequences of one length over one vocabulary, cut from the flat array of ids in one pass."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

# Read-only inputs, because a mapped cache file and what Ray shares are; writable arrays are accepted too.
_IDS = types.Array(types.int32, 1, "C", readonly=True)
_POSITIONS = types.Array(types.int64, 1, "C", readonly=True)
_VIEW = types.Array(types.int32, 2, "C")


@numba.njit(  # type: ignore[untyped-decorator]  # numba ships no types
    [types.void(_IDS, _POSITIONS, _POSITIONS, types.int32, types.int32, types.boolean, types.boolean, _VIEW)],
    cache=True,
    nogil=True,
)
def fill_view(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    vocab_size: int,
    unknown: int,
    pad_front: bool,
    keep_end: bool,
    view: NDArray[np.int32],
) -> None:
    """Fill one row of the view for each row asked for.

    Args:
        ids: All sequences, one after the other.
        offsets: Where each begins, and where the last ends.
        rows: Sequences to take.
        vocab_size: Ids from here on become `unknown`.
        unknown: The id of a word out of vocabulary.
        pad_front: Put the padding, zeros, before the ids, not after them.
        keep_end: Of a sequence that is too long, keep the end, not the beginning.
        view: Filled; shape (n_rows, sequence_length).
    """
    width = view.shape[1]
    for place in range(rows.shape[0]):
        start = offsets[rows[place]]
        end = offsets[rows[place] + 1]
        kept = min(end - start, width)
        first = end - kept if keep_end else start
        margin = width - kept if pad_front else 0
        view[place, :margin] = 0
        view[place, margin + kept :] = 0
        for step in range(kept):
            token = ids[first + step]
            view[place, margin + step] = token if token < vocab_size else unknown
