"""The most that a study's folder may grow to, worked out from its spec before anything runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.words.numbers import byte_size, count
from search_spaces import Choice, Domain, Fixed
from study.data import Corpus
from study.designs import SearchDesign
from study.errors import EnvironmentFaultError
from study.forecast.costs import Estimate, Timing
from study.spec.cells import CELLS
from study.spec.schema import StudySpec

ATTEMPT_BYTES, EPOCH_BYTES = 5_000, 400
"""What an attempt and an epoch add to records, Optuna's storage, tables and report together."""

REPORT_BYTES = (0.8e6, 3.0e6)
"""From the smallest to the largest report, with the databases as they are before the first run."""

TEXT_BYTES, EXCERPTS_BYTES = 22, 100_000
"""What records keep of a text that validates, with what five lines to beat say of it at most, and of all that
the report shows: 40 of 560 letters at most."""

N_MOMENTS = {"sgd": 0, "rmsprop": 1, "adam": 2, "adamax": 2, "nadam": 2}
"""How many running averages of its gradients an optimizer keeps for each weight."""

MAX_N_MOMENTS = 3
"""The most that any other of Keras's optimizers keeps."""

ARRAY_BYTES = 1_000
"""The most that an array in a checkpoint takes besides its numbers: name, type and shape."""

MODEL_BYTES, LAYER_BYTES = 30_000, 25_000
"""What a `.keras` file takes besides its weights, in all and by recurrent layer: 25 to 49 kB were found."""

WORD_BYTES = 20
"""The most that a word in a model's vocabulary takes on average: 8 were found in reviews and docstrings."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a study's folder may hold at once.

    Attributes:
        records_bytes: Records, tables and report.
        checkpoints_bytes: Of the runs that run at once; None where the model is the user's own.
        models_bytes: Of the models kept, and one more while it takes another's place; None as above.
        n_running: Runs at once.
        n_models: Models kept.
    """

    records_bytes: int
    checkpoints_bytes: int | None
    models_bytes: int | None
    n_running: int
    n_models: int

    @property
    def total_bytes(self) -> int:
        """All of it that is known."""
        return self.records_bytes + (self.checkpoints_bytes or 0) + (self.models_bytes or 0)

    def check(self, folder: Path) -> str:
        """Say how much a folder may grow to and how much is free there.

        Args:
            folder: The study's; it need not be there yet.

        Raises:
            EnvironmentFaultError: If there is less room than the study may still take.
        """
        held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        disk = shutil.disk_usage(there)
        if not disk.total or not os.access(there, os.W_OK):  # the first in /proc and its like
            raise EnvironmentFaultError(
                f"a study is written to a folder: nothing can be made in {there}; choose another folder"
            )
        free, wanted = disk.free, max(self.total_bytes - held, 0)
        if free < wanted:
            raise EnvironmentFaultError(
                f"a study needs room on its disk: {folder} may still grow by {_say_bound(wanted)} "
                f"({self._say_parts()}), and {byte_size(free)} are free; make room, choose another folder, "
                "or lower keep_models"
            )
        return (
            f"The study's folder may grow to {_say_bound(self.total_bytes)} ({self._say_parts()}); "
            f"{byte_size(free)} are free there."
        )

    def _say_parts(self) -> str:
        records = f"records, tables and report {_say_bound(self.records_bytes)}"
        if self.checkpoints_bytes is None or self.models_bytes is None:
            return f"{records}; checkpoints and models are not counted, for the model is your own"
        parts = [
            records,
            f"checkpoints of {count(self.n_running, 'run')} {_say_bound(self.checkpoints_bytes)}",
        ]
        if self.n_models:
            parts.append(f"{count(self.n_models, 'model')} {_say_bound(self.models_bytes)}")
        return ", ".join(parts)


def bound_footprint(
    spec: StudySpec, *, n_validation: int, n_classes: int, n_slots: int, n_confirmed: int = 0
) -> Footprint:
    """Return the most that a study may take.

    Args:
        spec: The study.
        n_validation: Texts that validate.
        n_classes: At least 2.
        n_slots: Runs at once, if there are as many.
        n_confirmed: Runs beside those of the design.
    """
    n_runs = count_runs(spec) + n_confirmed
    n_running = min(n_slots, n_runs)
    n_models = min(spec.keep_models, n_runs)
    # A run that was lost is tried again, one that was stopped may be audited: each time its epochs are kept.
    is_audited = isinstance(spec.design, SearchDesign) and spec.design.audit_pruned is not None
    n_attempts = n_runs * (1 + spec.resources.retries + is_audited)
    records = (
        n_runs * result_bytes(spec, n_validation, n_classes)
        + n_attempts * (ATTEMPT_BYTES + spec.training.max_epochs * EPOCH_BYTES)
        + n_validation * TEXT_BYTES
        + EXCERPTS_BYTES
        + int(REPORT_BYTES[1])
    )
    checkpoints = models = None
    if spec.model is None:
        largest = largest_setting(spec)
        n_outputs = _n_outputs(n_classes)
        n_weights = count_weights(largest, n_outputs)
        scores = 4 * n_validation * n_outputs
        # Weights after the last epoch, the optimizer's, and weights after the best epoch.
        n_copies = 2 + _most_moments(spec)
        n_arrays = n_copies * (3 + 6 * largest["layers"]) + 3
        # One more: a checkpoint is written whole before the last one goes.
        checkpoints = (n_running + 1) * (n_copies * 4 * n_weights + scores + n_arrays * ARRAY_BYTES)
        beside = MODEL_BYTES + largest["layers"] * LAYER_BYTES + largest["vocab_size"] * WORD_BYTES
        models = (n_models + 1) * (4 * n_weights + beside) if n_models else 0
    return Footprint(
        records_bytes=records,
        checkpoints_bytes=checkpoints,
        models_bytes=models,
        n_running=n_running,
        n_models=n_models,
    )


def expect_disk(
    spec: StudySpec, timings: Sequence[Timing], corpus: Corpus, n_runs: float, n_epochs: float
) -> Estimate:
    """Return what a study's folder holds at its end, from the sizes of what is written.

    Args:
        spec: The study.
        timings: Of some of its settings.
        corpus: The texts.
        n_runs: Runs that are trained.
        n_epochs: Epochs that are trained, of all runs.
    """
    n_validation, n_classes = corpus.splits.sizes()["validation"], len(corpus.classes)
    records = n_runs * (result_bytes(spec, n_validation, n_classes) + ATTEMPT_BYTES) + n_epochs * EPOCH_BYTES
    n_models = min(spec.keep_models, count_runs(spec))
    weights = [4 * t.n_weights for t in timings]
    return Estimate(
        records + n_models * sum(weights) / len(weights) + sum(REPORT_BYTES) / 2.0,
        records + n_models * min(weights) + REPORT_BYTES[0],
        records + n_models * max(weights) + REPORT_BYTES[1],
    )


def count_runs(spec: StudySpec) -> int:
    """Return how many runs a design has: its settings under each seed."""
    return spec.design.count(spec.space) * spec.seeds


def result_bytes(spec: StudySpec, n_validation: int, n_classes: int) -> int:
    """Return what a run that completed leaves in the records: its predictions, and gradients on request."""
    lengths = spec.space.parameters.get("sequence_length")
    gradients = 2 * 4 * int(_largest(lengths)) if spec.training.gradients and lengths is not None else 0
    return 2 * n_validation * _n_outputs(n_classes) + gradients


def count_weights(params: Mapping[str, Any], n_outputs: int) -> int:
    """Return the weights of a setting's model, as `study.training.model` builds it."""
    n_directions = 2 if params["bidirectional"] else 1
    units, cell, embedding_dim = params["units"], CELLS[params["cell"]], params["embedding_dim"]
    width = n_directions * units

    def count_layer(n_inputs: int) -> int:
        return int(n_directions * cell.count_weights(n_inputs, units))

    embedding = params["vocab_size"] * embedding_dim
    recurrent = count_layer(embedding_dim) + (params["layers"] - 1) * count_layer(width)
    return int(embedding + recurrent + n_outputs * (width + 1))


def largest_setting(spec: StudySpec) -> dict[str, Any]:
    """Return the largest that a space of the standard model could hold, legal or not."""
    setting = {name: _largest(domain) for name, domain in spec.space.parameters.items() if name != "cell"}
    cells = _values(spec.space.parameters["cell"])
    return setting | {"cell": max(cells, key=lambda cell: CELLS[cell].n_gates)}


def _say_bound(n_bytes: float) -> str:
    return byte_size(n_bytes, round_up=True)


def _n_outputs(n_classes: int) -> int:
    return 1 if n_classes == 2 else n_classes


def _most_moments(spec: StudySpec) -> int:
    return max(N_MOMENTS.get(name, MAX_N_MOMENTS) for name in _values(spec.space.parameters["optimizer"]))


def _values(domain: Domain) -> tuple[Any, ...]:
    """The values of a domain that are not numbers."""
    if isinstance(domain, Choice):
        return tuple(domain.choices)
    assert isinstance(domain, Fixed)
    return (domain.value,)


def _largest(domain: Domain) -> Any:
    return max(_values(domain)) if isinstance(domain, Choice | Fixed) else domain.high
