"""What driver and worker say to each other about one trial: plain values, no library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from analysis.records.schema import Phase, State
from study.seeds import derive_seed

MAX_PROBE = 5_000
"""Training rows that are evaluated: 0.9 points of half-width at an accuracy of 88%, and little time."""

EVALUATION_BATCH = 512
"""Texts scored at once: a time loop costs nearly the same for 512 rows as for 64."""

CONFIRMATION_OFFSET = 1_000
"""Seeds of a confirmation are those of the replicates from 1,001 on, which no search has."""

OUT_OF_MEMORY = "out of memory"
"""How the reason of every attempt begins for which memory did not suffice: it is tried again alone, once."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One replicate to train: a worker needs nothing else to repeat it bit for bit.

    Attributes:
        trial: The number of the setting, from 0.
        replicate: Which seed of the setting, from 1 in each phase.
        attempt: Which try at the replicate, from 1.
        seed: Initialisation, order of batches and dropout follow from it.
        params: The setting, one value per parameter of the space.
        phase: Whether it searches for a setting, confirms one, or finishes what was stopped.
    """

    trial: int
    replicate: int
    attempt: int
    seed: int
    params: dict[str, Any]
    phase: Phase = "search"

    @classmethod
    def first(
        cls, study_seed: int, trial: int, replicate: int, params: Mapping[str, Any], phase: Phase = "search"
    ) -> Self:
        """Return the first attempt at a replicate; its seed follows from the study's and its number alone.

        However far a search is extended, those of its confirmation are other seeds.
        """
        offset = CONFIRMATION_OFFSET if phase == "confirm" else 0
        seed = derive_seed(study_seed, "replicate", offset + replicate)
        return cls(trial=trial, replicate=replicate, attempt=1, seed=seed, params=dict(params), phase=phase)

    @property
    def run(self) -> tuple[int, Phase, int]:
        """What all attempts at the replicate are known by."""
        return self.trial, self.phase, self.replicate

    @property
    def key(self) -> tuple[int, Phase, int, int]:
        """What its rows in the records are found by."""
        return *self.run, self.attempt


@dataclass(frozen=True, kw_only=True)
class EpochFigures:
    """What one epoch came to; both sides evaluated on the same weights, dropout off.

    Losses in nats, `epoch_s` in seconds, all else but the learning rate in [0, 1]. The areas `roc_auc` and
    `average_precision` are those of two classes, None for more; `study.training.metrics` defines each.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    epoch_s: float
    train_macro_f1: float | None = None
    train_balanced_accuracy: float | None = None
    val_macro_f1: float | None = None
    val_balanced_accuracy: float | None = None
    val_roc_auc: float | None = None
    val_average_precision: float | None = None

    @property
    def is_finite(self) -> bool:
        """Whether training may go on: a loss that is not a number never becomes one again."""
        return math.isfinite(self.train_loss) and math.isfinite(self.val_loss)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a worker sends after each epoch, and once more for a trial that ends without one.

    Attributes:
        state: `running` until the trial ends by itself; the scheduler may end it earlier.
        score: The best objective so far, larger is better: it never falls, so that the scheduler compares
            what a trial reached and not where it happens to stand.
        figures: Of this epoch, or None where the trial failed before its end.
        n_weights: Numbers that training changes.
        cells: Who computed the recurrence, `compiled` or `keras`.
        node: The worker's host.
        versions: By name, what the worker trains with; with the first report of a process only.
        setup_s: Seconds from the trial's start to its first training step.
        wall_s: Seconds from the trial's start to this report.
        reason: Why the trial diverged or failed, one line.
        probabilities: Of the best epoch on the validation rows, float16 bytes; with the last report only.
        gradients: By moment (`start`, `end`), the gradient's norm by step back in time, float32 bytes; on
            request.
        test_loss: Of the best epoch's weights on the sealed split; for a confirmation, with the last report.
        test_accuracy: As `test_loss`, and so are the two that follow.
        model: The best epoch's `.keras` file, where it is good enough to be kept; with the last report only.
        ms_per_text: Milliseconds that `model` takes for a text, by texts at once.
        checkpoint: All that is needed to continue after this epoch, when the last one is old enough.
    """

    state: State
    score: float | None = None
    best_epoch: int | None = None
    figures: EpochFigures | None = None
    n_weights: int | None = None
    cells: str | None = None
    node: str | None = None
    versions: dict[str, str] | None = None
    setup_s: float | None = None
    wall_s: float | None = None
    reason: str | None = None
    probabilities: bytes | None = None
    gradients: dict[str, bytes] | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    test_macro_f1: float | None = None
    test_balanced_accuracy: float | None = None
    model: bytes | None = None
    ms_per_text: dict[str, float] | None = None
    checkpoint: bytes | None = None

    def to_result(self) -> dict[str, Any]:
        """Return it as the dictionary that Ray Tune wants from a trainable.

        The report travels in a list: Tune flattens dictionaries, and keeps the last result of every trial, so
        that whoever reads the report can take it out again and free its bytes.
        """
        done = self.state != "running"
        # Tune's schedulers demand their metric even of a trial that failed before it had any.
        score = -math.inf if self.score is None else self.score
        epoch = 0 if self.figures is None else self.figures.epoch
        return {"report": [asdict(self)], "score": score, "epoch": epoch, "done": done}

    @classmethod
    def take(cls, result: dict[str, Any]) -> Self:
        """Take the report out of a Tune result, once."""
        content = result["report"].pop()
        figures = content.pop("figures")
        return cls(figures=None if figures is None else EpochFigures(**figures), **content)
