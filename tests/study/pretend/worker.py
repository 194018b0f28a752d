"""Workers that pretend to train, for studies of cheap trials on a real Ray; some misbehave.

An epoch's figures follow from the parameters, the seed and all epochs before it, so that an epoch that is
lost, doubled or continued from a wrong checkpoint changes every figure after it.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import json
import math
import os
import signal
import time
from dataclasses import replace
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np

from study.cluster.worker import TrialWorker
from study.spec.schema import StudySpec
from study.trial import Assignment, EpochFigures, Report
from tests.study.pretend.programs import VERSIONS


class Misdeed(IntEnum):
    """What an unruly trial does, by its number of units."""

    NONE = 8
    SLEEP = 9
    SPIN = 10
    DIVERGE = 11
    RAISE = 12
    DIE_ONCE = 13
    DIE_ALWAYS = 14


DIVERGED = EpochFigures(
    epoch=1,
    train_loss=math.nan,
    train_accuracy=0.5,
    val_loss=math.inf,
    val_accuracy=0.5,
    learning_rate=1e-3,
    epoch_s=0.0,
)


class PretendTrainer:
    """A trainer whose every epoch takes `epoch_s` and computes a digest."""

    n_weights = 1234
    classifier = SimpleNamespace(cells="keras")

    def __init__(self, assignment: Assignment, epoch_s: float) -> None:
        self._epoch_s = epoch_s
        identity = json.dumps(assignment.params, sort_keys=True) + f"/{assignment.seed}"
        self._state = hashlib.sha256(identity.encode()).hexdigest()
        self.epoch, self.best_epoch, self.best_score = 0, None, -math.inf

    def train_epoch(self) -> EpochFigures:
        time.sleep(self._epoch_s)
        self.epoch += 1
        self._state = hashlib.sha256(f"{self._state}/{self.epoch}".encode()).hexdigest()
        losses = [int(self._state[i : i + 8], 16) / 2**32 for i in (0, 8, 16, 24)]
        if losses[3] > self.best_score:
            self.best_epoch, self.best_score = self.epoch, losses[3]
        return EpochFigures(
            epoch=self.epoch,
            train_loss=losses[0],
            train_accuracy=losses[1],
            val_loss=losses[2],
            val_accuracy=losses[3],
            learning_rate=1e-3,
            epoch_s=self._epoch_s,
        )

    def to_bytes(self) -> bytes:
        return json.dumps([self._state, self.epoch, self.best_epoch, self.best_score]).encode()

    def restore(self, content: bytes) -> None:
        self._state, self.epoch, self.best_epoch, self.best_score = json.loads(content)

    def best_probabilities(self) -> np.ndarray[Any, Any] | None:
        return None

    def save_best(self, path: str) -> None:
        with open(path, "w") as stream:  # noqa: PTH123 - as Keras would
            stream.write(f"{self.best_epoch} {self.best_score}")


class PretendWorker(TrialWorker):
    """Trains nothing; sends a checkpoint with nearly every epoch."""

    checkpoint_interval_s = 0.05
    epoch_s = 0.05

    def versions(self) -> dict[str, str]:
        """Those of this process, and what its node pretends to have in their place."""
        return super().versions() | json.loads(os.environ.get(VERSIONS, "{}"))

    def prepare(self, spec: StudySpec) -> None:
        """Nothing to load."""

    def make_trainer(self, assignment: Assignment) -> Any:
        return PretendTrainer(assignment, self.epoch_s)


class LateWorker(PretendWorker):
    """Takes far longer to get ready than to train, and says which process it is."""

    epoch_s = 0.01

    def prepare(self, spec: StudySpec) -> None:
        time.sleep(2.0)

    def _report(self, *args: Any, **kwargs: Any) -> Report:
        return replace(super()._report(*args, **kwargs), node=str(os.getpid()))


class SlowWorker(PretendWorker):
    """Is always in the middle of an epoch."""

    epoch_s = 60.0


class HungryTrainer(PretendTrainer):
    """Holds three gigabytes while it lives."""

    def __init__(self, assignment: Assignment, epoch_s: float) -> None:
        super().__init__(assignment, epoch_s)
        self._food = np.ones(3 * 2**30, np.uint8)

    def train_epoch(self) -> EpochFigures:
        assert self._food[-1] == 1
        return super().train_epoch()


class HungryWorker(PretendWorker):
    """Needs much memory where there are units enough."""

    epoch_s = 2.0

    def make_trainer(self, assignment: Assignment) -> Any:
        kind = HungryTrainer if assignment.params["units"] >= 20 else PretendTrainer
        return kind(assignment, self.epoch_s)


class UnrulyWorker(PretendWorker):
    """Misbehaves according to the number of units."""

    def make_trainer(self, assignment: Assignment) -> Any:
        trainer = super().make_trainer(assignment)
        match Misdeed(assignment.params["units"]):
            case Misdeed.NONE:
                pass
            case Misdeed.SLEEP:
                time.sleep(600)
            case Misdeed.SPIN:
                # In native code that holds the interpreter's lock, deaf to SIGTERM.
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                ctypes.PyDLL(None).sleep(600)
            case Misdeed.DIVERGE:
                trainer.train_epoch = lambda: DIVERGED
            case Misdeed.RAISE:
                raise RuntimeError("no such\nlayer")
            case Misdeed.DIE_ONCE | Misdeed.DIE_ALWAYS as misdeed:
                # As the kernel does it when memory is short.
                if misdeed is Misdeed.DIE_ALWAYS or assignment.attempt == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
        return trainer


class Hang(IntEnum):
    """How a trial hangs, by the size of its embedding."""

    SLEEP = 4
    SPIN = 5
    SPIN_IN_NATIVE_CODE = 6
    SLEEP_DEAF = 7
    SPIN_DEAF = 8


HUNG_UNITS = 9
"""Of trials that hang."""


class HangingTrainer(PretendTrainer):
    """Never ends its second epoch."""

    def __init__(self, assignment: Assignment, epoch_s: float) -> None:
        super().__init__(assignment, epoch_s)
        self._hang = Hang(assignment.params["embedding_dim"])

    def train_epoch(self) -> EpochFigures:
        if self.epoch == 1:
            if self._hang in (Hang.SLEEP_DEAF, Hang.SPIN_DEAF):
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            if self._hang in (Hang.SLEEP, Hang.SLEEP_DEAF):
                time.sleep(600)
            if self._hang is Hang.SPIN_IN_NATIVE_CODE:
                sum(itertools.repeat(0))  # which never comes back to the interpreter, and holds its lock
            while True:
                pass
        return super().train_epoch()


class HangingWorker(PretendWorker):
    """Hangs where there are `HUNG_UNITS`."""

    def make_trainer(self, assignment: Assignment) -> Any:
        kind = HangingTrainer if assignment.params["units"] == HUNG_UNITS else PretendTrainer
        return kind(assignment, self.epoch_s)
