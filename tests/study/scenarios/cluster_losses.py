"""A study on a cluster whose workers are killed and whose nodes are removed, again and again.

`python -m tests.study.scenarios.cluster_losses FOLDER WORKERS NODES SEED`, isolated, runs sixty trials,
kills WORKERS workers and removes NODES nodes, a new one for each, and prints the tally as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from study.trial import Assignment
from tests.study.faults.kills import read_final_table
from tests.study.pretend.programs import SPEC, start, workers
from tests.study.pretend.worker import PretendTrainer
from tests.study.scenarios.cluster import (
    ADDRESS,
    end_node,
    start_head,
    start_worker_node,
    wait_for_head,
)
from tests.study.scenarios.isolation import begin, run_isolated

N_TRIALS, N_EPOCHS, RETRIES, N_NODES = 60, 40, 12, 2
MIN_HEARD = 10
"""Reports that the study makes between two losses."""

PATIENCE_S = 120.0

STUDY: dict[str, Any] = {
    "space": SPEC["space"] | {"units": list(range(8, 8 + N_TRIALS // 6))},
    "training": {"max_epochs": N_EPOCHS},
    "resources": {"retries": RETRIES},
}


@dataclass
class Tally:
    """What was taken from a study, and what it came to."""

    worker_kills: int = 0
    node_removals: int = 0
    status: int | None = None
    errors: str = ""
    wall_s: float = 0.0
    attempts: int = 0
    most_attempts: int = 0


def lose(folder: Path, n_workers: int, n_nodes: int, seed: int, timeout_s: float) -> Tally:
    """Run this program; return its tally, its records checked."""
    told = run_isolated(__name__, folder, n_workers, n_nodes, seed, timeout_s=timeout_s)
    tally = Tally(**told)
    assert tally.status == 0, tally.errors
    assert "Traceback" not in tally.errors
    _expect_nothing_lost_or_doubled(folder / "out" / "cheap", tally)
    return tally


def _expect_nothing_lost_or_doubled(study: Path, tally: Tally) -> None:
    expect_uninterrupted(read_final_table(study), N_TRIALS, N_EPOCHS)
    with closing(sqlite3.connect(study / "records.db")) as connection:
        attempts = connection.execute("SELECT trial, max(attempt), count(*) FROM attempts GROUP BY trial")
        counts = [(most, n) for _, most, n in attempts.fetchall()]
        epochs = connection.execute("SELECT trial, replicate, attempt, epoch FROM epochs").fetchall()
    assert len(epochs) == len(set(epochs))
    assert all(most == n for most, n in counts)  # none is missing, none is there twice
    tally.attempts, tally.most_attempts = sum(n for _, n in counts), max(most for most, _ in counts)
    assert tally.most_attempts <= 1 + RETRIES


def expect_uninterrupted(table: list[tuple[Any, ...]], n_replicates: int, n_epochs: int) -> None:
    """Compare every figure with that of a trial that nobody interrupted."""
    assert len(table) == n_replicates * n_epochs
    trainers: dict[tuple[int, int], PretendTrainer] = {}
    for trial, replicate, state, seed, params, _, epoch, *figures in table:
        assert state == "completed"
        assignment = Assignment(
            trial=trial, replicate=replicate, attempt=1, seed=seed, params=json.loads(params)
        )
        trainer = trainers.setdefault((trial, replicate), PretendTrainer(assignment, epoch_s=0.0))
        expected = trainer.train_epoch()
        assert (epoch, *figures) == (
            expected.epoch,
            expected.train_loss,
            expected.train_accuracy,
            expected.val_loss,
            expected.val_accuracy,
        )


class Taker:
    """Kills workers and removes nodes of a running study, in a random order, while it makes progress."""

    def __init__(self, process: subprocess.Popen[str], out: Path, rng: np.random.Generator) -> None:
        self._process, self._out, self._rng = process, out, rng
        self.nodes = [start_worker_node(out) for _ in range(N_NODES)]
        self._n_heard = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._n_heard += line.startswith("running")

    def take(self, n_workers: int, n_nodes: int, tally: Tally) -> None:
        """Take this many of each; between two of them, epochs are trained."""
        deeds = [self.kill_worker] * n_workers + [self.remove_node] * n_nodes
        for number in self._rng.permutation(len(deeds)):
            self._await_progress()
            time.sleep(self._rng.uniform(0.0, 0.5))
            deeds[number](tally)

    def kill_worker(self, tally: Tally) -> None:
        def kill() -> bool:
            running = [pid for node in self.nodes for pid in workers(node.pid)]
            if not running:
                return False
            os.kill(int(self._rng.choice(running)), signal.SIGKILL)
            return True

        self._await(kill)
        tally.worker_kills += 1

    def remove_node(self, tally: Tally) -> None:
        end_node(self.nodes.pop(int(self._rng.integers(len(self.nodes)))))
        self.nodes.append(start_worker_node(self._out))
        tally.node_removals += 1

    def _await_progress(self) -> None:
        enough = self._n_heard + MIN_HEARD
        self._await(lambda: self._n_heard >= enough)

    def _await(self, happens: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not happens():
            assert self._process.poll() is None, "the study ended before everything was taken"
            assert time.monotonic() < deadline, "the study stands still"
            time.sleep(0.05)


def run(folder: Path, out: Path, n_workers: int, n_nodes: int, rng: np.random.Generator) -> Tally:
    tally = Tally()
    process = start(folder, address=ADDRESS, out=out, **STUDY)
    assert process.stderr is not None
    taker = Taker(process, out, rng)
    try:
        taker.take(n_workers, n_nodes, tally)
        tally.status = process.wait(timeout=600)
        tally.errors = process.stderr.read()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for node in taker.nodes:
            end_node(node)
    return tally


def main() -> None:
    folder, n_workers, n_nodes, seed = Path(sys.argv[1]), *map(int, sys.argv[2:])
    begin(folder)
    out = folder / "out"
    out.mkdir()
    began = time.monotonic()
    head = start_head(n_cpus=0)
    try:
        wait_for_head()
        tally = run(folder, out, n_workers, n_nodes, np.random.default_rng(seed))
    finally:
        end_node(head)
    tally.wall_s = round(time.monotonic() - began, 1)
    print(json.dumps(asdict(tally)))


if __name__ == "__main__":
    main()
