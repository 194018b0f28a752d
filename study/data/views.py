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
_PARTS = types.Array(types.int32, 2, "C", readonly=True)


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
    for index in range(rows.shape[0]):
        start = offsets[rows[index]]
        end = offsets[rows[index] + 1]
        kept = min(end - start, width)
        first = end - kept if keep_end else start
        margin = width - kept if pad_front else 0
        view[index, :margin] = 0
        view[index, margin + kept :] = 0
        for step in range(kept):
            token = ids[first + step]
            view[index, margin + step] = token if token < vocab_size else unknown


@numba.njit(  # type: ignore[untyped-decorator]
    [
        types.void(
            _IDS,
            _POSITIONS,
            _POSITIONS,
            _PARTS,
            types.int32,
            types.int32,
            types.boolean,
            types.boolean,
            _VIEW,
        )
    ],
    cache=True,
    nogil=True,
)
def fill_parts_view(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    parts: NDArray[np.int32],
    vocab_size: int,
    unknown: int,
    pad_front: bool,
    keep_end: bool,
    view: NDArray[np.int32],
) -> None:
    """Fill a view as `fill_view` does, where an id from `vocab_size` on stands for the two that it joins.

    Args:
        ids: All sequences, one after the other.
        offsets: Where each begins, and where the last ends.
        rows: Sequences to take.
        parts: The two ids that each id is merged from, smaller ones; zeros where it is not.
        vocab_size: Ids from here on are taken apart, and become `unknown` where they cannot be.
        unknown: The id of a character out of vocabulary.
        pad_front: Put the padding, zeros, before the ids, not after them.
        keep_end: Of a sequence that is too long, keep the end, not the beginning.
        view: Filled; shape (n_rows, sequence_length).
    """
    n_single = np.ones(max(1, parts.shape[0]), dtype=np.int64)  # characters of each part
    for number in range(parts.shape[0]):
        if parts[number, 0]:
            n_single[number] = n_single[parts[number, 0]] + n_single[parts[number, 1]]
    waiting = np.empty(n_single.max() + 1, dtype=np.int32)
    width = view.shape[1]
    ahead = 0 if keep_end else 1  # which of two parts comes out first
    for index in range(rows.shape[0]):
        start = offsets[rows[index]]
        end = offsets[rows[index] + 1]
        n_kept = 0
        for step in range(end - start):
            waiting[0] = ids[end - 1 - step] if keep_end else ids[start + step]
            n_waiting = 1
            while n_waiting and n_kept < width:
                n_waiting -= 1
                token = waiting[n_waiting]
                if token >= vocab_size and parts[token, 0]:
                    waiting[n_waiting] = parts[token, ahead]
                    waiting[n_waiting + 1] = parts[token, 1 - ahead]
                    n_waiting += 2
                else:
                    view[index, n_kept] = token if token < vocab_size else unknown
                    n_kept += 1
            if n_kept == width:
                break
        if keep_end:
            view[index, :n_kept] = view[index, :n_kept][::-1].copy()
        view[index, n_kept:] = 0
        if pad_front:
            view[index] = np.roll(view[index], width - n_kept)
