"""How many threads the matrix products of the compiled loops may use."""

from __future__ import annotations

import scipy.linalg.blas  # noqa: F401 - its BLAS is the one that Numba calls, and must be there to be limited
import threadpoolctl


def limit_threads(n_threads: int) -> None:
    """Holds this process's BLAS libraries to `n_threads` from now on.

    TensorFlow's threads are its own: see `tf.config.threading`. One thread is the right number even for a
    trial with more CPUs: the products of one time step are too small to share.

    Args:
        n_threads: At least 1.
    """
    threadpoolctl.threadpool_limits(n_threads, user_api="blas")
