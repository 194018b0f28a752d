"""Whether training the seeds of a setting in one graph is faster than one after the other, on one core.

    python benchmarks/seeds_at_once.py [--seeds 3] [--rounds 5] [--layers 1]

Both ways train the same classifiers (embedding, recurrent layer, one output) from the same weights on the
same random texts, by the compiled cells. In one graph a step cuts its batch once, runs all seeds and updates
all weights by one optimizer. Times are CPU seconds of this process, the least of the rounds.

The last figure is the most that any way of stacking could gain: a step's time without its arithmetic, if all
seeds but one had it for nothing. It is that of a step of one text from a vocabulary of sixteen words.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from cells import BATCH_SIZE, CELLS, EMBEDDING_DIM, N_BATCHES, VOCAB_SIZE, texts

from study.training.cells import embedding_layer, fused_optimizer, limit_threads, recurrent_layer

SIZES = ((16, 50), (32, 100), (64, 150))
N_BARE_WORDS = 16
BAR = 1.3
"""A worker's gain at 16 and 32 units from which on one graph is worth its code."""

Epoch = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass
class Way:
    """One of the ways to train all seeds: its graphs, one after the other.

    Attributes:
        epochs: Each trains some seeds, and returns the sum of the batches' losses, (seeds,).
        least_s: The fastest epoch of all seeds yet.
        losses: Of each seed, of the last epoch.
    """

    epochs: Sequence[Epoch]
    least_s: float = float("inf")
    losses: list[float] = field(default_factory=list)


def build_model(
    cell: str, units: int, length: int, layers: int, seed: int, vocab_size: int = VOCAB_SIZE
) -> keras.Model:
    keras.utils.set_random_seed(seed)
    ids = keras.Input((length,), dtype="int32")
    x = embedding_layer(vocab_size, EMBEDDING_DIM, cells="auto")(ids)
    for depth in range(layers):
        more = depth < layers - 1
        x = recurrent_layer(cell, units, return_sequences=more, cells="auto", bidirectional=False)(x)
    return keras.Model(ids, keras.layers.Dense(1)(x))


def build_epoch(models: Sequence[keras.Model], length: int, batch_size: int) -> Epoch:
    """An epoch of all models in one graph."""
    variables = [variable for model in models for variable in model.trainable_variables]
    optimizer = fused_optimizer(keras.optimizers.Adam(1e-3))
    optimizer.build(variables)

    @tf.function(reduce_retracing=True)
    def epoch(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        total = tf.zeros(len(models))
        for start in tf.range(0, tf.shape(ids)[0], batch_size):
            rows = slice(start, start + batch_size)
            with tf.GradientTape() as tape:
                losses = [
                    tf.reduce_mean(
                        tf.nn.sigmoid_cross_entropy_with_logits(labels[rows], model(ids[rows], training=True))
                    )
                    for model in models
                ]
                loss = tf.add_n(losses)
            optimizer.apply(tape.gradient(loss, variables), variables)
            total += tf.stack(losses)
        return total

    specs = (tf.TensorSpec((None, length), tf.int32), tf.TensorSpec((None, 1), tf.float32))
    return epoch.get_concrete_function(*specs)


def race(ways: Sequence[Way], ids: tf.Tensor, labels: tf.Tensor, rounds: int) -> None:
    """Time the ways in turn, after an epoch to warm up."""
    for number in range(rounds + 1):
        for way in ways:
            start = time.process_time()
            way.losses = [float(loss) for epoch in way.epochs for loss in epoch(ids, labels)]
            if number:
                way.least_s = min(way.least_s, time.process_time() - start)


def compare(cell: str, units: int, length: int, options: argparse.Namespace) -> tuple[Way, Way, float]:
    """Return both ways, and the most that could be gained."""

    setting = cell, units, length, options.layers
    seeds = range(options.seeds)
    apart = Way([build_epoch([build_model(*setting, seed)], length, BATCH_SIZE) for seed in seeds])
    at_once = Way([build_epoch([build_model(*setting, seed) for seed in seeds], length, BATCH_SIZE)])
    bare = Way([build_epoch([build_model(*setting, 0, N_BARE_WORDS)], length, 1)])
    ids, labels = (tf.constant(values) for values in texts(length))
    race((apart, at_once), ids, labels, options.rounds)
    race((bare,), ids[:N_BATCHES] % N_BARE_WORDS, labels[:N_BATCHES], options.rounds)
    spared_s = (options.seeds - 1) * bare.least_s
    return apart, at_once, apart.least_s / max(apart.least_s - spared_s, 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    limit_threads(1)
    print(f"{options.seeds} seeds, {options.layers} layer(s); worth its code from a gain of {BAR} on")
    print("cell  units length | apart  at once, ms a step | gain | at most | loss difference")
    for units, length in SIZES:
        for cell in CELLS:
            apart, at_once, most = compare(cell, units, length, options)
            difference = (
                max(abs(a - b) for a, b in zip(apart.losses, at_once.losses, strict=True)) / N_BATCHES
            )
            print(
                f"{cell:4} {units:6} {length:6} | {1e3 * apart.least_s / N_BATCHES:6.2f}"
                f" {1e3 * at_once.least_s / N_BATCHES:8.2f} {'':10} | {apart.least_s / at_once.least_s:4.2f}"
                f" | {most:7.2f} | {difference:.1e}",
                flush=True,
            )
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
