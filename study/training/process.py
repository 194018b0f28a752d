"""A process that trains: prepared before TensorFlow does anything in it."""

from __future__ import annotations

import os

from study.training.backend import load_backend


def prepare_process(n_threads: int) -> None:
    """Hold every library to the trial's CPUs: two trials of one thread do more than one of two."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(n_threads)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(n_threads)
    load_backend()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(n_threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        # Several trials may share a GPU; the first must not take all of its memory.
        tf.config.experimental.set_memory_growth(gpu, True)
    from study.training.cells import limit_threads

    limit_threads(1)
