"""What the metrics of an epoch cost, against the cheapest epochs that a study would train.

    python benchmarks/metrics.py [--rounds 7]

Each line trains a small SimpleRNN on 5,000 random texts, which 5,000 others validate, and measures both sides
as every epoch does. Times are CPU seconds, the least of the rounds: a shared core makes them no larger. The
exit status is 1 if the metrics take 2% of an epoch or more.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from study.training.cells import limit_threads
from study.training.metrics import evaluate
from study.training.model import Recipe
from study.training.program import ProgramCache
from study.training.trainer import Rows, Trainer

N_TEXTS, VOCAB_SIZE, LENGTH = 5_000, 5_000, 50
PROMISE = 0.02
PARAMS = {
    "cell": "rnn", "bidirectional": False, "units": 16, "layers": 1, "vocab_size": VOCAB_SIZE,
    "sequence_length": LENGTH, "embedding_dim": 32, "dropout": 0.0, "optimizer": "adam",
    "learning_rate": 1e-3, "batch_size": 128,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    limit_threads(1)
    worst = 0.0
    print("| classes | an epoch, s | its metrics, ms | share |\n|---|---|---|---|")
    for n_classes in (2, 10, 50):
        trainer = make_trainer(n_classes)
        trainer.train_epoch()  # the first carries the start
        epoch_s = least(trainer.train_epoch, rounds)
        scores, labels = trainer.program.score(trainer.rows.validation), trainer.rows.validation_labels
        metrics_s = 2 * least(lambda scores=scores, labels=labels: evaluate(scores, labels), 3 * rounds)
        worst = max(worst, metrics_s / epoch_s)
        print(f"| {n_classes} | {epoch_s:.2f} | {1000 * metrics_s:.1f} | {metrics_s / epoch_s:.1%} |")
    return 0 if worst < PROMISE else 1


def make_trainer(n_classes: int) -> Trainer:
    rng = np.random.default_rng(0)
    ids = [rng.integers(3, VOCAB_SIZE, (N_TEXTS, LENGTH), dtype=np.int32) for _ in range(2)]
    labels = [rng.integers(0, n_classes, N_TEXTS, dtype=np.int32) for _ in range(2)]
    rows = Rows(
        train=ids[0],
        train_labels=labels[0],
        probe=np.arange(N_TEXTS),
        validation=ids[1],
        validation_labels=labels[1],
    )
    return Trainer(PARAMS, 0, rows, "val_accuracy", ProgramCache(), Recipe(n_classes))


def least(run: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


if __name__ == "__main__":
    sys.exit(main())
