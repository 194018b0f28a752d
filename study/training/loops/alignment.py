"""Arrays that TensorFlow takes over as they are."""

from __future__ import annotations

import numpy as np

from study.training.loops.products import Array

# TensorFlow copies an array that it is handed with less; in bytes.
_ALIGNMENT = 64


def aligned(shape: tuple[int, ...]) -> Array:
    """Makes an array of float32, not filled, that TensorFlow need not copy."""
    size = int(np.prod(shape))
    spare = np.empty(size + _ALIGNMENT // 4, np.float32)
    start = -spare.ctypes.data % _ALIGNMENT // 4
    return spare[start : start + size].reshape(shape)
