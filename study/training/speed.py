"""How fast a model answers on this machine, as whoever loads its file would run it."""

from __future__ import annotations

import time

import keras
import numpy as np
import tensorflow as tf

from study.training.program import Ids

ROUNDS = {1: 4, 256: 2}
"""How often texts are answered alone, as a person waits for one, and many at once; a trial waits for all."""


def time_model(model: keras.Model, ids: Ids) -> dict[str, float]:
    """Measure the milliseconds that a text takes, encoding it left out.

    Args:
        model: Of Keras's own layers, from ids to scores or probabilities.
        ids: Texts, at least one, shape (n, sequence_length).

    Returns:
        Milliseconds a text by texts at once, the least of a few rounds: the first prepares, and others may be
        training beside it.
    """

    @tf.function(  # type: ignore[untyped-decorator]
        autograph=False, input_signature=[tf.TensorSpec((None, ids.shape[1]), tf.int32)]
    )
    def answer(batch: tf.Tensor) -> tf.Tensor:
        return model(batch, training=False)

    found = {}
    for n_texts, n_rounds in ROUNDS.items():
        batch = tf.constant(np.resize(ids, (n_texts, ids.shape[1])))
        taken = []
        for _ in range(n_rounds):
            start = time.perf_counter()
            answer(batch).numpy()
            taken.append(time.perf_counter() - start)
        found[str(n_texts)] = 1000 * min(taken) / n_texts
    return found
