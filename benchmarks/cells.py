"""Training speed of the compiled cells against stock Keras, on one core, in alternation.

    python benchmarks/cells.py [--layers 2] [--rounds 5] [--only gru]

Both sides train the same classifier (embedding, recurrent layers, one output) from the same weights on the
same random texts, an epoch as one graph; they differ in the layers and in the optimizer's update alone. Times
are CPU seconds of this process, the least of the rounds: on an idle core they are wall seconds, and on a
shared one they suffer less.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from study.spec.cells import CELLS
from study.training.cells import embedding_layer, fused_optimizer, limit_threads, recurrent_layer

SIZES = ((16, 50), (32, 100), (64, 150))
VOCAB_SIZE, EMBEDDING_DIM, BATCH_SIZE, N_BATCHES = 10_000, 64, 64, 10


@dataclass(frozen=True)
class Setting:
    cell: str
    units: int
    length: int
    bidirectional: bool
    layers: int

    def products_per_example(self) -> float:
        """Floating-point operations in the recurrent layers' products for one example's training step."""
        directions = 2 if self.bidirectional else 1
        widths = [EMBEDDING_DIM, *[self.units * directions] * (self.layers - 1)]
        per_step = sum(2 * (width + self.units) * self.units * CELLS[self.cell].n_gates for width in widths)
        return 3.0 * directions * self.length * per_step  # forward, and twice that backward


@dataclass
class Side:
    """One of the two ways to train a setting."""

    epoch: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    first_step_s: float
    epoch_s: float = float("inf")
    losses: list[float] = field(default_factory=list)


def build(setting: Setting, *, compiled: bool) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    keras.utils.set_random_seed(0)
    ids = keras.Input((setting.length,), dtype="int32")
    cells: Literal["auto", "keras"] = "auto" if compiled else "keras"
    x = embedding_layer(VOCAB_SIZE, EMBEDDING_DIM, cells=cells)(ids)
    for depth in range(setting.layers):
        x = recurrent_layer(
            setting.cell,
            setting.units,
            return_sequences=depth < setting.layers - 1,
            cells=cells,
            bidirectional=setting.bidirectional,
        )(x)
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    optimizer = keras.optimizers.Adam(1e-3)
    if compiled:
        optimizer = fused_optimizer(optimizer)
    variables = model.trainable_variables
    optimizer.build(variables)

    @tf.function(reduce_retracing=True)
    def epoch(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for start in tf.range(0, tf.shape(ids)[0], BATCH_SIZE):
            rows = slice(start, start + BATCH_SIZE)
            with tf.GradientTape() as tape:
                scores = model(ids[rows], training=True)
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels[rows], scores))
            optimizer.apply(tape.gradient(loss, variables), variables)
            total += loss
        return total

    return epoch


def texts(length: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Random ids with the frequencies of words, and random labels."""
    rng = np.random.default_rng(0)
    n_rows = BATCH_SIZE * N_BATCHES
    frequency = 1 / np.arange(1, VOCAB_SIZE + 1)
    ids = rng.choice(VOCAB_SIZE, (n_rows, length), p=frequency / frequency.sum()).astype(np.int32)
    return ids, rng.integers(0, 2, (n_rows, 1)).astype(np.float32)


def compare(setting: Setting, rounds: int) -> tuple[Side, Side]:
    """Train stock Keras and the compiled cells in turn."""
    ids, labels = (tf.constant(a) for a in texts(setting.length))
    sides = []
    for compiled in (False, True):
        start = time.process_time()
        specs = (tf.TensorSpec((None, setting.length), tf.int32), tf.TensorSpec((None, 1), tf.float32))
        epoch = build(setting, compiled=compiled).get_concrete_function(*specs)
        epoch(ids[:BATCH_SIZE], labels[:BATCH_SIZE])
        sides.append(Side(epoch, time.process_time() - start))
    for _ in range(rounds):
        for side in sides:
            start = time.process_time()
            side.losses.append(float(side.epoch(ids, labels)) / N_BATCHES)
            side.epoch_s = min(side.epoch_s, time.process_time() - start)
    return sides[0], sides[1]


def measure_peak() -> float:
    """The most floating-point operations a second of a single-precision product here, over a few sizes."""
    peak = 0.0
    for m, k, n in ((64, 64, 192), (512, 512, 512), (1024, 1024, 1024)):
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        c = np.empty((m, n), np.float32)
        n_products = max(1, 10**9 // (m * k * n))
        for _ in range(7):
            start = time.process_time()
            for _ in range(n_products):
                np.dot(a, b, c)
            peak = max(peak, 2 * m * k * n * n_products / (time.process_time() - start))
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=CELLS, help="one cell alone")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    limit_threads(1)
    for cell in CELLS:  # Keras's own start, and the compiled code from the cache or anew
        compare(Setting(cell, 2, 3, True, 1), 1)
    peak = measure_peak()
    print(f"peak of a product: {peak / 1e9:.0f} GFLOP/s a core; {options.layers} layers, batch {BATCH_SIZE}")
    print(
        "cell  units length directions |  stock   ours ex/s  ratio | first step s | of peak | loss difference"
    )
    for units, length in SIZES:
        for cell in (options.only,) if options.only else CELLS:
            for bidirectional in (False, True):
                setting = Setting(cell, units, length, bidirectional, options.layers)
                stock, ours = compare(setting, options.rounds)
                n_rows = BATCH_SIZE * N_BATCHES
                share = setting.products_per_example() * n_rows / ours.epoch_s / peak
                difference = max(abs(a - b) for a, b in zip(stock.losses, ours.losses, strict=True))
                print(
                    f"{cell:4} {units:6} {length:6} {1 + bidirectional:10} |"
                    f" {n_rows / stock.epoch_s:6.0f} {n_rows / ours.epoch_s:6.0f} {'':4}"
                    f" {stock.epoch_s / ours.epoch_s:6.2f} |"
                    f" {stock.first_step_s:5.2f}  {ours.first_step_s:5.2f} | {share:7.0%} | {difference:.1e}",
                    flush=True,
                )
                keras.backend.clear_session()


if __name__ == "__main__":
    main()
