"""Times settings in processes beside each other, as their runs will be. Loads no TensorFlow itself."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from study.data import Corpus
from study.designs import Plan
from study.errors import EnvironmentFaultError
from study.forecast.costs import CostModel, Timing, Workload, choose_settings
from study.spec.schema import StudySpec
from study.training.caching import program_of
from study.trial import EVALUATION_BATCH, MAX_PROBE

Timer = Callable[..., tuple[list[Timing], float]]
"""Times settings as `time_settings` does."""

BUDGET_S = 20.0
"""No further setting is timed after this long; the last may take longer."""

MAX_PROCESSES = 4
"""As many settings are timed at once, at most: workers beside each other slow each other down."""

N_TIMED, N_DRAWN, MIN_DRAWN = 24, 256, 32
"""Settings that are timed, at most; settings drawn from the space in all, and of each stratum at least."""

PATIENCE_S = 60.0
"""How long after its time a process is given to end the setting it is at, before it is killed."""


@dataclass(frozen=True)
class _Stopwatch:
    """One process that times settings, and what it writes."""

    process: subprocess.Popen[bytes]
    answers: Path
    complaints: Path

    def wait(self, until: float) -> None:
        try:
            self.process.wait(max(until - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def lines(self) -> list[str]:
        """Return the whole lines that it wrote."""
        text = self.answers.read_text(encoding="utf-8") if self.answers.exists() else ""
        return text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]

    def last_complaint(self) -> str:
        lines = self.complaints.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def draw_settings(spec: StudySpec) -> list[Plan]:
    """Draw settings by chance, as many of each stratum."""
    strata, rng = spec.design.strata(spec.space), np.random.default_rng(0)
    n_drawn = max(N_DRAWN // len(strata), MIN_DRAWN)
    return [[stratum.space.sample(rng) for _ in range(n_drawn)] for stratum in strata]


def measure_costs(
    spec: StudySpec, corpus: Corpus, candidates: Plan, n_processes: int, timer: Timer
) -> tuple[CostModel, float]:
    """Time those candidates that tell most about the costs of all.

    Args:
        spec: How they are trained.
        corpus: On what.
        candidates: Settings that the study may train.
        n_processes: How many are timed beside each other, as far as that is useful.
        timer: Times settings.

    Returns:
        A model of what runs cost, and the seconds until the slowest process could begin.

    Raises:
        EnvironmentFaultError: If no setting could be trained.
    """
    sizes = corpus.splits.sizes()
    n_evaluated = min(sizes["train"], sizes["validation"], MAX_PROBE)
    block = min(EVALUATION_BATCH, sizes["validation"])
    workload = Workload(
        n_train=sizes["train"],
        n_blocks=math.ceil(sizes["validation"] / block) + math.ceil(n_evaluated / block),
        block=block,
        has_own_model=spec.model is not None,
    )
    indices = np.random.default_rng(0).permutation(len(candidates))
    distinct = list({(program_of(c), c["batch_size"]): c for c in (candidates[i] for i in indices)}.values())
    chosen = choose_settings(distinct[:N_DRAWN], N_TIMED, has_own_model=workload.has_own_model)
    timings, ready_s = timer(
        spec,
        [distinct[index] for index in chosen],
        n_classes=len(corpus.classes),
        block=block,
        n_processes=max(min(n_processes, MAX_PROCESSES), 1),
        budget_s=BUDGET_S,
    )
    return CostModel(timings, workload), ready_s


def time_settings(
    spec: StudySpec,
    settings: Plan,
    *,
    n_classes: int,
    block: int,
    n_processes: int,
    budget_s: float,
) -> tuple[list[Timing], float]:
    """Time as many settings as there is time for, at least one in each process that can.

    Args:
        spec: How they are trained.
        settings: The most useful first.
        n_classes: Of the labels.
        block: Texts that are scored at once.
        n_processes: Beside each other.
        budget_s: No setting is begun later.

    Returns:
        What was timed, and the seconds until the slowest process could begin.

    Raises:
        EnvironmentFaultError: If no setting could be trained.
    """
    with tempfile.TemporaryDirectory(prefix="study-price-") as scratch:
        questions = [
            {
                "settings": [dict(setting) for setting in settings[number::n_processes]],
                "n_classes": n_classes,
                "cells": spec.training.cells,
                "builder": spec.model,
                "n_threads": spec.resources.cpus_per_trial,
                "block": block,
                "budget_s": budget_s,
            }
            for number in range(min(n_processes, len(settings)))
        ]
        stopwatches = [_start(question, Path(scratch) / str(n)) for n, question in enumerate(questions)]
        until = time.monotonic() + budget_s + PATIENCE_S
        try:
            for stopwatch in stopwatches:
                stopwatch.wait(until)
        finally:
            for stopwatch in stopwatches:
                stopwatch.wait(until=0.0)
        answers = [json.loads(line) for stopwatch in stopwatches for line in stopwatch.lines()]
        complaint = stopwatches[0].last_complaint()
    timings = [Timing(**answer) for answer in answers if "params" in answer]
    if not timings:
        raise EnvironmentFaultError(
            f"a price needs a setting that can be trained here: {complaint[:300]}; correct what is named, "
            "make the space smaller where memory is short, or see `study doctor`"
        )
    return timings, max(answer["ready_s"] for answer in answers if "ready_s" in answer)


def _start(question: Mapping[str, Any], folder: Path) -> _Stopwatch:
    folder.mkdir()
    (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")
    answers, complaints = folder / "answers.jsonl", folder / "complaints.txt"
    command = [sys.executable, "-P", "-m", "study.forecast.stopwatch"]
    command += [str(folder / "question.json"), str(answers)]
    with complaints.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, a program of our own, paths of ours
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    return _Stopwatch(process, answers, complaints)
