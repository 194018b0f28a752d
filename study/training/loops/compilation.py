"""When the loops are compiled, and by whom: once, by as many processes as begin beside each other.

`python -m study.training.loops.compilation` compiles them, so that workers find them ready.
"""

from __future__ import annotations

import fcntl
import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from study.training.loops.batch import run_backward, run_forward
from study.training.loops.cache import cache_folder, ready_mark
from study.training.loops.steps import N_SAVED, RNN
from study.training.loops.words import sum_words

PATIENCE_S = 180.0
"""How long another process is waited for: one that is stopped would never end."""

_LOOK_S = 0.05


@functools.cache
def prepare() -> None:
    """Load the compiled loops from the cache, or compile them, which takes ten seconds or more, but once.

    Processes that begin beside each other share the work, and load what another one has compiled.
    """
    parts = (_compile_backward, _compile_forward)  # the longer one first
    folder = cache_folder()
    if folder is None:
        for part in parts:
            part()
        return
    others = []
    for part in parts:
        with _claim(folder / f"{part.__name__}.lock") as is_claimed:
            if is_claimed:
                part()
            else:
                others.append(part)
    for part in others:
        with _claim(folder / f"{part.__name__}.lock", PATIENCE_S):
            part()
    with suppress(OSError):  # a convenience: whoever does not find it looks into the cache itself
        ready_mark(folder).touch()


@contextmanager
def _claim(lock: Path, patience_s: float = 0.0) -> Iterator[bool]:
    """Hold a lock, if it can be had in time; it ends with the process. Where none can be kept, all claim."""
    try:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _lock(file, time.monotonic() + patience_s)
    finally:
        os.close(file)


def _lock(file: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        except OSError:
            return True
        else:
            return True


# Numba compiles a function at its first call, for the types that it is called with.
_IDS, _INPUTS = np.zeros((1, 2), np.int32), np.ones((1, 2, 1), np.float32)
_WEIGHTS = np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), np.ones(1, np.float32)


def _compile_forward() -> None:
    run_forward(RNN, (False,), True, True, _INPUTS, _IDS, *_WEIGHTS)
    sum_words(_IDS[0], _INPUTS[0], True, *np.empty((2, 1, 1), np.float32))


def _compile_backward() -> None:
    saved = np.zeros((1, 2 * N_SAVED[RNN]), np.float32)
    run_backward(RNN, (False,), np.ones_like(_INPUTS), saved, _INPUTS, _IDS, *_WEIGHTS)


if __name__ == "__main__":
    prepare()
