"""How the time loops are compiled and where the machine code is kept, and the activations that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from study.training.loops.cache import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])

# Contraction gives fused multiply-adds, arcp a division by a constant as a product. Nothing may assume that
# there is no NaN: a diverged trial is known by its NaN loss. NumPy's error model lets divisions vectorise.
_OPTIONS: dict[str, Any] = {
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": {"arcp", "contract", "nsz"},
    "nogil": True,
    # Entries for C and, below, for Python, which nobody takes: a fifth of the time that compiling takes.
    "no_cfunc_wrapper": True,
}

# tanh(x) = x p(x^2) / q(x^2) in float32, with Eigen's coefficients, so as TensorFlow has it on a CPU; beyond
# the bound it is constant. The error against the exact value is at most 2.6e-7.
_BOUND = np.float32(7.90531110763549805)
_P0, _P1, _P2, _P3, _P4, _P5, _P6 = (
    np.float32(c)
    for c in (
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
)
_Q0, _Q1, _Q2, _Q3 = (
    np.float32(c)
    for c in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)
_HALF = np.float32(0.5)


def compiled(function: Function) -> Function:
    """Compiles a function for compiled ones, which alone can call it; its machine code is part of theirs."""
    return numba.njit(**_OPTIONS, no_cpython_wrapper=True)(function)  # type: ignore[no-any-return]


def cached(function: Function) -> Function:
    """Compiles a function for Python, at its first call; its machine code is kept on disk."""
    folder = cache_folder()
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder or before)  # read while the decorator runs
    try:
        return numba.njit(**_OPTIONS, cache=folder is not None)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = before


@compiled
def tanh(x: np.float32) -> np.float32:
    """Hyperbolic tangent in float32; NaN stays NaN."""
    x = _BOUND if x > _BOUND else x  # not min(): comparisons with NaN are false, and so it passes
    x = -_BOUND if x < -_BOUND else x
    s = x * x
    p = (((((_P6 * s + _P5) * s + _P4) * s + _P3) * s + _P2) * s + _P1) * s + _P0
    q = ((_Q3 * s + _Q2) * s + _Q1) * s + _Q0
    return x * p / q


@compiled
def sigmoid(x: np.float32) -> np.float32:
    """Logistic function in float32, (1 + tanh(x / 2)) / 2; NaN stays NaN."""
    return _HALF + _HALF * tanh(_HALF * x)
