"""What it brings to put all gates, and several steps, into one product: the compiled loops both ways.

    python benchmarks/products.py [--rounds 2]

Forward and backward of a batch of 64, one direction, on one core, both ways in alternation; the ratio of the
least CPU seconds, mean of the rounds. A first layer knows the words that repeat; a second one has the outputs
of both directions as its inputs. `apart` is what processors with AVX-512 do: small products are not packed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import threadpoolctl

from study.training.loops import batch
from study.training.loops.compilation import prepare
from study.training.loops.steps import GRU, LSTM, N_GATES, RNN

CELLS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": RNN}
SIZES = ((16, 50), (32, 100), (64, 100), (128, 60))
BATCH_SIZE, VOCAB_SIZE, EMBEDDING_DIM = 64, 10_000, 64


def compare(cell: int, units: int, length: int, *, has_words: bool) -> float:
    """How many times as fast products together are as apart."""
    rng = np.random.default_rng(0)
    width, n_columns = EMBEDDING_DIM if has_words else 2 * units, N_GATES[cell] * units
    ids, x = np.zeros((0, 0), np.int32), rng.normal(0, 0.3, (BATCH_SIZE, length, width)).astype(np.float32)
    if has_words:
        frequency = 1 / np.arange(1, VOCAB_SIZE + 1)
        drawn = rng.choice(VOCAB_SIZE, (BATCH_SIZE, length), p=frequency / frequency.sum())
        ids = drawn.astype(np.int32)
        x = rng.normal(0, 0.1, (VOCAB_SIZE, width)).astype(np.float32)[ids]
    shapes = ((width, n_columns), (units, n_columns), (2, n_columns) if cell == GRU else (n_columns,))
    weights = [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
    y_gradient = rng.normal(0, 0.1, (BATCH_SIZE, units)).astype(np.float32)
    least_s = {True: float("inf"), False: float("inf")}
    for _ in range(max(6, 32_000 // (units * length))):
        for is_apart in least_s:
            batch.computes_in_place = lambda is_apart=is_apart: is_apart  # type: ignore[assignment,misc]
            start = time.process_time()
            _, saved = batch.run_forward(cell, (False,), False, True, x, ids, *weights)
            batch.run_backward(cell, (False,), y_gradient, saved, x, ids, *weights)
            least_s[is_apart] = min(least_s[is_apart], time.process_time() - start)
    return least_s[True] / least_s[False]


def main() -> None:
    """Print a line for each cell and layer."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2)
    n_rounds = parser.parse_args().rounds
    prepare()
    kernels = {kind.get("architecture") for kind in threadpoolctl.threadpool_info()} - {None}
    print(f"OpenBLAS's kernels: {', '.join(map(str, kernels))}; as fast together as apart, times")
    print(f"{'':20}" + "".join(f"{units:>7} units" for units, _ in SIZES))
    for name, cell in CELLS.items():
        for has_words in (True, False):
            ratios = [
                statistics.mean(compare(cell, *size, has_words=has_words) for _ in range(n_rounds))
                for size in SIZES
            ]
            layer = f"{name}, {'words' if has_words else 'inputs'}"
            print(f"{layer:20}" + "".join(f"{ratio:>13.2f}" for ratio in ratios), flush=True)


if __name__ == "__main__":
    main()
