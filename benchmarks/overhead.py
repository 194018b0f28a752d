"""The warm overhead of a trial: what it costs beyond its training steps and evaluations, in milliseconds.

    python -m benchmarks.overhead REVIEWS [--trials 60] [--rows 1000] [--epochs 1 3] [--samplers random tpe]

Trials of one architecture, at learning rates of their own, run on as many workers as there are CPUs. Between
the ends of two trials on one worker lie all costs of the second: it is drawn, recorded, handed out and set
up, trains and is evaluated, reports, and its figures are committed. From this the seconds of its epochs,
training steps and evaluations alone, are taken off; what is left is the overhead. The first trials of each
worker, which start it and trace the model, do not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import Task, describe_data, write_task
from study.running.listener import Listener
from study.running.verbs import run_study
from study.spec.schema import StudySpec

N_COLD = 6
"""Trials, a worker, that do not count."""


class Watch(Listener):
    """Notes, for each trial that ended, when, and the seconds of its epochs."""

    def __init__(self) -> None:
        self.n_slots = 0
        self.ends: list[tuple[float, float]] = []
        self._epochs_s: dict[int, float] = {}

    def on_plan(self, backlog: Any, capacity: Any) -> None:
        self.n_slots = capacity.slots(1, 0.0)

    def on_report(self, assignment: Any, report: Any, state: str) -> None:
        spent_s = self._epochs_s.get(assignment.trial, 0.0) + report.figures.epoch_s
        self._epochs_s[assignment.trial] = spent_s
        if state != "running":
            self.ends.append((time.monotonic(), spent_s))

    def overheads_ms(self) -> list[float]:
        """Of each round of as many warm trials as there are workers, the mean of a trial.

        Workers take turns, so that a round holds about one trial of each.
        """
        warm = self.ends[N_COLD * self.n_slots :]
        rounds = [warm[at : at + self.n_slots + 1] for at in range(0, len(warm) - self.n_slots, self.n_slots)]
        return [
            1000 * (r[-1][0] - r[0][0] - statistics.fmean(spent_s for _, spent_s in r[1:])) for r in rounds
        ]


def describe(folder: Path, sampler: str, n_trials: int, n_epochs: int) -> dict[str, Any]:
    """A search for the learning rate of one architecture."""
    return {
        "name": f"{sampler}-{n_epochs}",
        "data": describe_data(Task(folder, n_epochs, n_trials, 1)),
        "space": {
            "cell": "gru",
            "units": 32,
            "layers": 1,
            "vocab_size": 10_000,
            "sequence_length": 100,
            "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        },
        "design": {"kind": "search", "sampler": sampler, "scheduler": "none", "trials": n_trials},
        "training": {"max_epochs": n_epochs},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rows", type=int, default=1000, help="to train on; a quarter as many validate")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overhead-") as name:
        folder = Path(name)
        write_task(options.reviews, options.rows, folder)
        for sampler in options.samplers:
            for n_epochs in options.epochs:
                watch = Watch()
                document = describe(folder, sampler, options.trials, n_epochs)
                run_study(StudySpec.from_document(document, sampler), folder / "out", listener=watch)
                told = watch.overheads_ms()
                low, median, high = statistics.quantiles(told, n=4)
                load = os.getloadavg()[0]
                print(
                    f"{sampler}, {n_epochs} epochs, {watch.n_slots} workers, load {load:.1f}: "
                    f"{statistics.fmean(told):.0f} ms a trial (quartiles of {len(told)} rounds: "
                    f"{low:.0f}, {median:.0f}, {high:.0f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
