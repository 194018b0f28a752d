"""Where the seconds of an epoch go, stage by stage, against what its arithmetic takes at one core's peak.

    python benchmarks/stages.py [--layers 2] [--rounds 5] [--training 4000] [--validation 1000]

Forward passes, updates with gradients that are given, and evaluations are timed by themselves, in turn with
whole training steps; the gradient is what is left of these. What of the forward pass is products with the
inputs is timed by the same products alone. Texts are random, with the frequencies of words; the training
probe has as many as validate. Times are CPU seconds of this process, the least of the rounds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from cells import CELLS, SIZES, VOCAB_SIZE, Setting, measure_peak

from study.training.cells import limit_threads
from study.training.model import Recipe
from study.training.program import Program, mean_loss

BATCH_SIZE = 64
STAGES = ("projection", "loop", "gradient", "optimizer", "validation", "probe")


def draw_texts(n_rows: int, length: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, VOCAB_SIZE + 1)
    ids = rng.choice(VOCAB_SIZE, (n_rows, length), p=frequency / frequency.sum()).astype(np.int32)
    return ids, rng.integers(0, 2, n_rows).astype(np.int32)


def describe(setting: Setting) -> dict[str, Any]:
    return {
        "cell": setting.cell,
        "bidirectional": setting.bidirectional,
        "units": setting.units,
        "layers": setting.layers,
        "vocab_size": VOCAB_SIZE,
        "sequence_length": setting.length,
        "embedding_dim": 64,
        "dropout": 0.0,
        "optimizer": "adam",
        "learning_rate": 0.001,
        "batch_size": BATCH_SIZE,
    }


def trace_parts(program: Program, length: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Graphs of an epoch's forward passes, and of its updates with gradients that are given."""
    model, optimizer = program.classifier.logits, program.optimizer
    embedding, *others = model.trainable_variables
    specs = (tf.TensorSpec((None, length), tf.int32), tf.TensorSpec((None,), tf.int32))
    values = tf.fill((BATCH_SIZE * length, embedding.shape[1]), 1e-4)
    dense = [tf.fill(variable.shape, 1e-4) for variable in others]

    @tf.function(reduce_retracing=True)
    def forward(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for start in tf.range(0, tf.shape(ids)[0], BATCH_SIZE):
            rows = slice(start, start + BATCH_SIZE)
            with tf.GradientTape():  # so that what a gradient needs is kept
                total += mean_loss(labels[rows], model(ids[rows], training=True))
        return total

    @tf.function(reduce_retracing=True)
    def update(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        for start in tf.range(0, tf.shape(ids)[0], BATCH_SIZE):
            words = tf.reshape(ids[start : start + BATCH_SIZE], (-1,))
            slices = tf.IndexedSlices(values[: tf.size(words)], words, embedding.shape)
            optimizer.apply([slices, *dense], [embedding, *others])
        return labels[0]

    return forward.get_concrete_function(*specs), update.get_concrete_function(*specs)


def time_projection(setting: Setting, ids: npt.NDArray[np.int32]) -> float:
    """Seconds that an epoch's products with its inputs take: of each distinct word of a batch; of states."""
    directions = 1 + setting.bidirectional
    n_columns = CELLS[setting.cell].n_gates * setting.units
    seconds = 0.0
    for depth in range(setting.layers):
        width = setting.units * directions if depth else 64
        kernel = np.ones((width, n_columns), np.float32)
        for start in range(0, len(ids), BATCH_SIZE):
            batch = ids[start : start + BATCH_SIZE]
            n_inputs = batch.size if depth else len(np.unique(batch))
            inputs = np.ones((n_inputs, width), np.float32)
            out = np.empty((n_inputs, n_columns), np.float32)
            began = time.process_time()
            for _ in range(directions):
                np.dot(inputs, kernel, out)
            seconds += time.process_time() - began
    return seconds


def least(rounds: int, *parts: Callable[[], object]) -> list[float]:
    """The least CPU seconds of each part, in turn, after one round to warm up."""
    seconds = [float("inf")] * len(parts)
    for number in range(rounds + 1):
        for index, part in enumerate(parts):
            start = time.process_time()
            part()
            if number:
                seconds[index] = min(seconds[index], time.process_time() - start)
    return seconds


def measure(setting: Setting, options: argparse.Namespace) -> Mapping[str, float]:
    """Seconds of each stage of an epoch."""
    n = options.training
    ids, labels = draw_texts(n + options.validation, setting.length)
    program = Program(describe(setting), Recipe(n_classes=2), 0)
    forward, update = trace_parts(program, setting.length)
    texts, classes, order = tf.constant(ids[:n]), tf.constant(labels[:n]), np.arange(n)
    forward_s, update_s, step_s, score_s = least(
        options.rounds,
        lambda: forward(texts, classes),
        lambda: update(texts, classes),
        lambda: program.train(texts, classes, order, BATCH_SIZE),
        lambda: program.score(ids[n:]),
    )
    projection_s = min(time_projection(setting, ids[:n]) for _ in range(options.rounds))
    gradient_s = step_s - forward_s - update_s
    stages = (projection_s, forward_s - projection_s, gradient_s, update_s, score_s, score_s)
    return dict(zip(STAGES, stages, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--training", type=int, default=4000, help="texts")
    parser.add_argument("--validation", type=int, default=1000, help="texts, and of the probe as many")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    limit_threads(1)
    peak = measure_peak()
    print(
        f"peak {peak / 1e9:.0f} GFLOP/s; {options.layers} layers, both directions, {options.training} texts"
    )
    print("cell  units length | epoch s | times the peak's |" + "".join(f"{name:>11}" for name in STAGES))
    for units, length in SIZES:
        for cell in CELLS:
            setting = Setting(cell, units, length, True, options.layers)
            stages = measure(setting, options)
            epoch_s = sum(stages.values())
            # An evaluation is a third of a training step: no gradients by inputs and weights.
            n_texts = options.training + 2 * options.validation / 3
            at_peak_s = setting.products_per_example() * n_texts / peak
            print(
                f"{cell:4} {units:6} {length:6} | {epoch_s:7.2f} | {epoch_s / at_peak_s:16.2f} |"
                + "".join(f"{seconds / epoch_s:11.0%}" for seconds in stages.values()),
                flush=True,
            )
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
