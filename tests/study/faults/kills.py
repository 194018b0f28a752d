"""Kills a study of cheap trials at random moments and continues it until it is done."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from study.running.verification import verify
from study.store.directory import StudyDirectory
from tests.study.pretend.programs import SPEC, finish, start, workers

STUDY: dict[str, Any] = {
    "space": SPEC["space"] | {"units": [8, 16, 24]},
    "training": {"max_epochs": 6},
    "resources": {"retries": 50},  # as many as this program may cost one trial
    "seeds": 2,
}

FINAL_TABLE = """
SELECT a.trial, a.replicate, a.state, a.seed, a.params, a.n_weights, e.epoch, e.train_loss, e.train_accuracy,
       e.val_loss, e.val_accuracy
FROM attempts a LEFT JOIN epochs e USING (trial, phase, replicate, attempt)
WHERE a.attempt = (SELECT max(attempt) FROM attempts b WHERE b.trial = a.trial AND b.replicate = a.replicate)
ORDER BY a.trial, a.replicate, e.epoch
"""
"""Last attempts, times and attempts' numbers aside."""


@dataclass
class Tally:
    """What was killed, and how the legs ended."""

    n_driver_kills: int = 0
    n_worker_kills: int = 0
    n_studies: int = 0

    @property
    def n_kills(self) -> int:
        return self.n_driver_kills + self.n_worker_kills


def kill(
    folder: Path, n_kills: int, rng: np.random.Generator, check: Callable[[Path], None], **changes: Any
) -> Tally:
    """Run studies in `folder`, killing driver and workers `n_kills` times in all, each study to its end.

    A driver is killed up to three seconds after its trials began, or while it starts; workers while it runs.

    Args:
        folder: Where the studies lie, one after the other.
        n_kills: How many to kill, at least.
        rng: Decides whom and when.
        check: Called with each study that is done.
        changes: To the study.
    """
    tally = Tally()
    while tally.n_kills < n_kills or tally.n_studies == 0:
        tally.n_studies += 1
        study = folder / f"study-{tally.n_studies}"
        status = None
        while status != 0:
            process = start(study, **STUDY | changes)
            if tally.n_kills < n_kills:
                _kill_somebody(process, n_kills, rng, tally)
            status, said = finish(process, timeout_s=300.0)
            if status not in (0, -signal.SIGKILL):
                raise AssertionError(f"a leg ended with status {status}: {said}")
        check(study / "cheap")
    return tally


def _kill_somebody(
    process: subprocess.Popen[str], n_kills: int, rng: np.random.Generator, tally: Tally
) -> None:
    assert process.stdout is not None
    if rng.random() < 0.2:
        time.sleep(rng.uniform(0.0, 5.0))  # while it starts
    else:
        for line in process.stdout:
            if line.startswith("plan"):
                break
        # The pipe must be read on, or the driver would stand still when it is full.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        time.sleep(rng.uniform(0.0, 3.0))
        while rng.random() < 0.5 and tally.n_kills + 1 < n_kills:
            tally.n_worker_kills += _kill_a_worker(process.pid, rng)
            time.sleep(rng.uniform(0.0, 2.0))
    if process.poll() is None:
        process.kill()
        tally.n_driver_kills += 1


def _kill_a_worker(driver: int, rng: np.random.Generator) -> int:
    with contextlib.suppress(ProcessLookupError, ValueError):
        os.kill(int(rng.choice(workers(driver))), signal.SIGKILL)
        return 1
    return 0


def read_final_table(study: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(study / "records.db")) as connection:
        return connection.execute(FINAL_TABLE).fetchall()


def expect_nothing_lost_or_doubled(study: Path) -> None:
    """Compare the records with themselves, with Optuna's storage and with what else the study left."""
    table = read_final_table(study)
    replicates = {(trial, replicate): state for trial, replicate, state, *_ in table}
    assert set(replicates.values()) == {"completed"}
    epochs = [(row[0], row[1], row[6]) for row in table]
    assert sorted(epochs) == sorted(set(epochs))
    assert len(epochs) == len(replicates) * STUDY["training"]["max_epochs"]
    # A setting is never trained twice under one seed.
    assert len({(row[4], row[3]) for row in table}) == len(replicates)
    with contextlib.closing(sqlite3.connect(study / "optuna.db")) as connection:
        states = connection.execute("SELECT state, count(*) FROM trials GROUP BY state").fetchall()
    assert states == [("COMPLETE", len(replicates) // STUDY["seeds"])]
    assert not list(study.glob("checkpoints/*"))
    assert not list(study.rglob(".*.tmp"))
    assert verify(StudyDirectory(study)).damages == ()
