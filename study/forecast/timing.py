"""Times settings in processes beside each other, as their runs will be. Loads no TensorFlow itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import EnvironmentFaultError
from study.forecast.costs import Timing
from study.spec.schema import StudySpec

PATIENCE_S = 60.0
"""How long after its time a process is given to end the setting it is at, before it is killed."""


@dataclass(frozen=True)
class _Probe:
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


def time_settings(
    spec: StudySpec,
    settings: Sequence[Mapping[str, Any]],
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
        probes = [_start(question, Path(scratch) / str(n)) for n, question in enumerate(questions)]
        until = time.monotonic() + budget_s + PATIENCE_S
        try:
            for probe in probes:
                probe.wait(until)
        finally:
            for probe in probes:
                probe.wait(until=0.0)
        answers = [json.loads(line) for probe in probes for line in probe.lines()]
        complaint = probes[0].last_complaint()
    timings = [Timing(**answer) for answer in answers if "params" in answer]
    if not timings:
        raise EnvironmentFaultError(
            f"a price needs a setting that can be trained here: {complaint[:300]}; make the space smaller, "
            "or see `study doctor`"
        )
    return timings, max(answer["ready_s"] for answer in answers if "ready_s" in answer)


def _start(question: Mapping[str, Any], folder: Path) -> _Probe:
    folder.mkdir()
    (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")
    answers, complaints = folder / "answers.jsonl", folder / "complaints.txt"
    command = [sys.executable, "-m", "study.forecast.probe", str(folder / "question.json"), str(answers)]
    with complaints.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, a program of our own, paths of ours
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    return _Probe(process, answers, complaints)
