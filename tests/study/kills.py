"""Kills a study of cheap trials at random moments and continues it until it is done."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.study.pretend_programs import SPEC, descendants, finish, start

STUDY: dict[str, Any] = {
    "space": SPEC["space"] | {"units": [8, 16, 24]},
    "training": {"max_epochs": 6},
    "resources": {"retries": 50},  # as many as this program may cost one trial
    "seeds": 2,
}

FINAL_TABLE = """
SELECT a.trial, a.replicate, a.state, a.seed, a.params, a.n_weights, e.epoch, e.train_loss, e.train_accuracy,
       e.val_loss, e.val_accuracy
FROM attempts a LEFT JOIN epochs e USING (trial, replicate, attempt)
WHERE a.attempt = (SELECT max(attempt) FROM attempts b WHERE b.trial = a.trial AND b.replicate = a.replicate)
ORDER BY a.trial, a.replicate, e.epoch
"""
"""Last attempts, times and attempts' numbers aside."""


@dataclass
class Tally:
    """What was killed, and how the legs ended."""

    n_driver_kills: int = 0
    n_worker_kills: int = 0
    n_legs: int = 0

    @property
    def n_kills(self) -> int:
        return self.n_driver_kills + self.n_worker_kills


def kill_until_done(
    folder: Path,
    n_kills: int,
    rng: random.Random,
    say: Callable[[str], None] = lambda text: None,
    **changes: Any,
) -> Tally:
    """Run the study in `folder`, killing driver and workers `n_kills` times in all; leave it done.

    A driver is killed up to three seconds after its trials began, or while it starts; workers while it runs.
    A study that is done before the kills are spent is removed and begun again.
    """
    tally = Tally()
    while True:
        process = start(folder, **STUDY | changes)
        tally.n_legs += 1
        if tally.n_kills < n_kills:
            _kill_somebody(process, n_kills, rng, tally)
        status, said = finish(process, timeout_s=300.0)
        say(f"leg {tally.n_legs}: exit {status}, {tally.n_kills} kills")
        if status == 0 and tally.n_kills >= n_kills:
            return tally
        if status not in (0, -signal.SIGKILL):
            raise AssertionError(f"a leg ended with status {status}: {said}")


def _kill_somebody(process: subprocess.Popen[str], n_kills: int, rng: random.Random, tally: Tally) -> None:
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


def _kill_a_worker(driver: int, rng: random.Random) -> int:
    workers = [pid for pid, name in descendants(driver).items() if name.startswith("ray::Pretend")]
    if not workers:
        return 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(rng.choice(workers), signal.SIGKILL)
        return 1
    return 0


def read_final_table(study: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(study / "records.db")) as connection:
        return connection.execute(FINAL_TABLE).fetchall()
