"""What a study will cost, worked out from a few training steps of a few of its settings on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.data import Corpus, encode, load_corpus
from study.designs import Plan
from study.forecast.costs import CostModel, Estimate
from study.forecast.disk import bound_footprint, expect_disk
from study.forecast.memory import expect_memory
from study.forecast.order import order_settings
from study.forecast.survival import Floats, Survival, finish
from study.forecast.timing import Timer, draw_settings, measure_costs, time_settings
from study.spec.schema import StudySpec
from study.training.caching import count_traced

AROUND_S, BASELINES_S = (3.5, 5.5), (0.5, 2.0)
"""Between which limits lie the start of Ray with the report, and the lines to beat by a million tokens."""

CHARACTERS_OF_TOKEN = 5.0


@dataclass(frozen=True)
class Price:
    """What a study will cost.

    Attributes:
        n_timed: Settings that were timed.
        timed_s: How long that took.
        error: Typical relative error of the cost model on settings that it had not seen, 0.2 for 20%; None
            where one setting alone was timed.
        stretch: How many times as long as by itself a run takes beside others and all else here.
        seconds: From the start of the command to its report.
        epochs_share: Epochs trained, of all that runs may have.
        memory_bytes: Of all processes of the study, on the machines together.
        disk_bytes: Of the study's folder, in the end.
        most_disk_bytes: The most that it may hold meanwhile; None where the model is the user's own.
    """

    n_timed: int
    timed_s: float
    error: float | None
    stretch: float
    seconds: Estimate
    epochs_share: float
    memory_bytes: Estimate
    disk_bytes: Estimate
    most_disk_bytes: int | None


def price_study(
    spec: StudySpec, known: Plan, *, n_slots: int, n_slots_here: int, timer: Timer = time_settings
) -> Price:
    """Time a few settings, and work out what the study costs on workers like this machine's.

    Nothing of the study is written; what is read and encoded stays in the cache for its run. Neither Ray nor,
    in this process, TensorFlow is loaded.

    Args:
        spec: The study.
        known: The settings that it is certain to begin with; of a plan, all.
        n_slots: Runs at once.
        n_slots_here: As many of them as this machine takes at once.
        timer: Times settings.

    Raises:
        StudyError: If the data cannot be used, or nothing can be trained here.
    """
    began = time.monotonic()
    corpus = load_corpus(spec.data)
    read_s = time.monotonic() - began
    encode(corpus, spec.data)  # which the study's run will find in the cache
    drawn = draw_settings(spec) if len(known) < spec.design.count(spec.space) else []
    began = time.monotonic()
    candidates = [*known, *(setting for settings in drawn for setting in settings)]
    model, ready_s = measure_costs(spec, corpus, candidates, min(n_slots, n_slots_here), timer)
    timed_s = time.monotonic() - began
    seconds, n_runs, n_epochs = add_up(spec, known, drawn, model, n_slots)
    n_validation, n_classes = corpus.splits.sizes()["validation"], len(corpus.classes)
    most = bound_footprint(spec, n_validation=n_validation, n_classes=n_classes, n_slots=n_slots)
    error = model.typical_error(spec.training.max_epochs)
    return Price(
        n_timed=len(model.timings),
        timed_s=timed_s,
        error=None if error is None else math.expm1(error),
        stretch=model.stretch,
        seconds=seconds.plus(_around(corpus, read_s + ready_s, model.stretch)),
        epochs_share=n_epochs / spec.design.count(spec.space) / spec.seeds / spec.training.max_epochs,
        memory_bytes=expect_memory(candidates, model.timings, corpus, n_slots),
        disk_bytes=expect_disk(spec, model.timings, corpus, n_runs, n_epochs),
        most_disk_bytes=None if most.models_bytes is None else most.total_bytes,
    )


def add_up(
    spec: StudySpec, known: Plan, drawn: Sequence[Plan], model: CostModel, n_slots: int
) -> tuple[Estimate, float, float]:
    """Return how long all runs of a study take, and how much they train.

    A setting that is not known costs the mean of those drawn of its stratum.

    Args:
        spec: The study.
        known: Its first settings, in their order.
        drawn: Settings of each stratum; nothing where all settings are known.
        model: Of costs.
        n_slots: Runs at once.

    Returns:
        Seconds from the first start to the last end, and how many runs and epochs are trained.
    """
    survival, n_trials = Survival(spec, spec.seeds), max(spec.design.count(spec.space), len(known))
    if not drawn:
        known = [known[index] for index in order_settings(known, spec.seeds, spec=spec, n_slots=n_slots)]
    traced = count_traced(known, spec.seeds, n_slots) / (len(known) * spec.seeds) if known else 1.0

    def price_all(settings: Plan) -> Floats:
        """Seconds of the start and of an epoch of each; of their runs a share is traced."""
        costs = [model.predict(setting) for setting in settings]
        return np.array([(traced * c.start_s + (1.0 - traced) * c.restart_s, c.epoch_s) for c in costs])

    each, pools = price_all(known), [price_all(settings) for settings in drawn]
    runs_s, variance, unknown_s, n_runs, n_epochs = list[float](), 0.0, 0.0, 0.0, 0.0
    for trial in range(n_trials):
        is_known = trial < len(known)
        costs = each[trial : trial + 1] if is_known else pools[trial % len(pools)]
        n_seeds, (mean_epochs, epochs_spread) = survival.n_seeds(trial, n_slots), survival.epochs(trial)
        run_s = costs @ (1.0, mean_epochs)
        runs_s += [float(run_s.mean()) * n_seeds / spec.seeds] * spec.seeds
        variance += n_seeds**2 * float(run_s.var()) + n_seeds * (epochs_spread * costs[:, 1].mean()) ** 2
        unknown_s += 0.0 if is_known else n_seeds * float(run_s.mean())
        n_runs, n_epochs = n_runs + n_seeds, n_epochs + n_seeds * mean_epochs
    error = model.typical_error(spec.training.max_epochs) or 0.0
    slots_s = [0.0] * n_slots
    return finish(slots_s, runs_s, variance=variance, unknown_s=unknown_s, error=error), n_runs, n_epochs


def _around(corpus: Corpus, ready_s: float, stretch: float) -> Estimate:
    """Estimate the seconds before the first and after the last run: reading, start, lines to beat, report."""
    n_tokens = sum(len(text) for text in corpus.texts) / CHARACTERS_OF_TOKEN / 1e6
    low, high = (
        ready_s + max(stretch, 1.0) * (around_s + n_tokens * baselines_s)
        for around_s, baselines_s in zip(AROUND_S, BASELINES_S, strict=True)
    )
    return Estimate((low + high) / 2.0, low, high)
