"""What a study will cost, worked out from a few training steps of a few of its settings on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from study.data import Corpus, encode, load_corpus
from study.designs import Plan
from study.errors import StudyError
from study.forecast.costs import CostModel, Timing, Workload, choose_settings
from study.forecast.disk import (
    ATTEMPT_BYTES,
    EPOCH_BYTES,
    REPORT_BYTES,
    bound_footprint,
    count_runs,
    result_bytes,
)
from study.forecast.estimate import Estimate
from study.forecast.imagined import Imagination, program_of
from study.forecast.rehearsal import Outcome, StoppingRule, rehearse
from study.forecast.timing import time_settings
from study.machine.capacity import Capacity, check_resources, count_cpus
from study.search.first_settings import ask_first_settings
from study.spec.schema import StudySpec
from study.trial import MAX_PROBE

PROBE_S = 20.0
"""No further setting is timed after this long; the last may take longer."""

MAX_PROCESSES = 4
"""As many settings are timed at once, at most: workers beside each other slow each other down."""

N_TIMED = 24
N_CANDIDATES = 256
N_REHEARSALS = 200
MAX_PLAYED = 40_000
"""Runs that are played in all."""

BLOCK = 512
"""Texts scored at once, as `study.training.trainer` has it, which would load TensorFlow."""

N_VIEWS = 4
"""Encoded views that a worker keeps."""

AROUND_S = (3.5, 5.5)
"""Starting Ray and writing the report, on a machine that is not busy: 4 s on 2 cores."""

BASELINES_S = (0.5, 2.0)
"""Fitting the lines to beat, by a million tokens: 1.0 to 1.4 s of CPU, in part beside the last runs."""

CHARACTERS_OF_TOKEN = 5.0

DRIVER_BYTES = (0.7e9, 1.1e9)
"""Driver and Ray's own processes: 0.7 GB where shared pages count once, 1.1 GB where they count each time."""

WORKER_GROWTH = (1.0, 1.4)
"""What a worker holds in the end, of what the same programs held when they were timed."""


@dataclass(frozen=True)
class Price:
    """What a study will cost.

    Attributes:
        n_slots: Runs at once.
        n_slots_here: As many as this machine takes at once.
        n_timed: Settings that were timed.
        probe_s: How long that took.
        error: Typical relative error of the cost model on settings that it had not seen, 0.2 for 20%; None
            where one setting alone was timed.
        stretch: How many times as long as by itself a run was found to take beside others and all else here.
        seconds: From the start of the command to its report.
        epochs_share: Epochs trained, of all that runs may have.
        memory_bytes: Of all processes of the study, on the machines together.
        disk_bytes: Of the study's folder, in the end.
        most_disk_bytes: The most that it may hold meanwhile; None where the model is the user's own.
    """

    n_slots: int
    n_slots_here: int
    n_timed: int
    probe_s: float
    error: float | None
    stretch: float
    seconds: Estimate
    epochs_share: Estimate
    memory_bytes: Estimate
    disk_bytes: Estimate
    most_disk_bytes: int | None


def price_study(
    spec: StudySpec,
    *,
    n_workers: int | None = None,
    probe_s: float = PROBE_S,
    timer: Callable[..., tuple[list[Timing], float]] = time_settings,
) -> Price:
    """Time a few settings, and work out what the study costs on workers like this machine's.

    Nothing of the study is written; what is read and encoded stays in the cache for its run. Neither Ray nor,
    in this process, TensorFlow is loaded.

    Args:
        spec: The study.
        n_workers: Runs at once; as many as this machine has CPUs for by default.
        probe_s: How long to go on with timing.
        timer: Times settings as `study.forecast.timing.time_settings` does.

    Raises:
        StudyError: If the data cannot be used, or nothing can be trained here.
    """
    n_slots, n_slots_here = _count_slots(spec, n_workers)
    _read(spec)
    began = time.monotonic()
    corpus = _read(spec)  # from the cache, as the study's run will
    read_s = time.monotonic() - began
    workload = _weigh(spec, corpus)
    rng = np.random.default_rng(0)
    certain = ask_first_settings(spec, n_slots)
    candidates = _distinct(_draw_settings(spec, certain, rng))
    chosen = choose_settings(candidates, N_TIMED, has_own_model=workload.has_own_model)
    began_probe = time.monotonic()
    timings, ready_s = timer(
        spec,
        [candidates[i] for i in chosen],
        n_classes=len(corpus.classes),
        block=workload.block,
        n_processes=max(min(n_slots, n_slots_here, MAX_PROCESSES), 1),
        budget_s=probe_s,
    )
    probed_s = time.monotonic() - began_probe
    model = CostModel(timings, workload)
    played = _play(spec, Imagination(spec, model, certain), model, n_slots, rng)
    around = _around(corpus, read_s + ready_s, model.stretch, rng, len(played))
    n_possible = count_runs(spec) * spec.training.max_epochs
    return Price(
        n_slots=n_slots,
        n_slots_here=n_slots_here,
        n_timed=len(timings),
        probe_s=probed_s,
        error=_typical(model.errors(spec.training.max_epochs)),
        stretch=model.stretch,
        seconds=Estimate.of([o.seconds + s for o, s in zip(played, around, strict=True)]),
        epochs_share=Estimate.of([o.n_epochs / n_possible for o in played]),
        memory_bytes=_memory(candidates, timings, corpus, n_slots),
        disk_bytes=_disk(spec, timings, corpus, played),
        most_disk_bytes=_bound_disk(spec, corpus, n_slots),
    )


def _count_slots(spec: StudySpec, n_workers: int | None) -> tuple[int, int]:
    """Return how many runs go at once, and how many this machine takes at once."""
    cpus_per_trial = spec.resources.cpus_per_trial
    capacity = Capacity(count_cpus(), math.inf, 1)
    if n_workers is None:
        check_resources(capacity, cpus_per_trial, 0.0)
    elif n_workers < 1:
        raise StudyError(f"a study needs a worker: --workers={n_workers}; give 1 or more, or leave it out")
    here = capacity.slots(cpus_per_trial, 0.0)
    return (here if n_workers is None else n_workers), here


def _read(spec: StudySpec) -> Corpus:
    corpus = load_corpus(spec.data)
    encode(corpus, spec.data)
    return corpus


def _weigh(spec: StudySpec, corpus: Corpus) -> Workload:
    """Return what an epoch goes through."""
    sizes = corpus.splits.sizes()
    n_probe = min(sizes["train"], sizes["validation"], MAX_PROBE)
    block = min(BLOCK, sizes["validation"])
    return Workload(
        n_train=sizes["train"],
        n_blocks=math.ceil(sizes["validation"] / block) + math.ceil(n_probe / block),
        block=block,
        has_own_model=spec.model is not None,
    )


def _draw_settings(spec: StudySpec, certain: Plan, rng: np.random.Generator) -> list[Mapping[str, Any]]:
    """Return settings that the study may train: those that are certain, and some of its space."""
    settings = [certain[place] for place in rng.permutation(len(certain))[:N_CANDIDATES]]
    if len(certain) < spec.design.count(spec.space):
        settings += [spec.space.sample(rng) for _ in range(N_CANDIDATES - len(settings))]
    return settings


def _distinct(settings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({(program_of(s), s["batch_size"]): s for s in settings}.values())


def _play(
    spec: StudySpec, imagination: Imagination, model: CostModel, n_slots: int, rng: np.random.Generator
) -> list[Outcome]:
    """Play the study through many times, each time with other settings, merits and errors of the model.

    One error holds for all settings of a time: they share the model and the machine's mood, and would only
    average out if they did not.
    """
    rule = StoppingRule(spec.design, spec.training.max_epochs, spec.training.patience)
    errors = model.errors(spec.training.max_epochs) or [0.0]
    played = []
    for _ in range(max(min(N_REHEARSALS, MAX_PLAYED // count_runs(spec)), 10)):
        # Predicted too high by this factor is cheaper by it.
        factor = math.exp(-float(rng.choice(errors)))
        items = imagination.draw(factor, rng)
        played.append(rehearse(items, n_seeds=spec.seeds, n_slots=n_slots, rule=rule, rng=rng))
    return played


def _around(corpus: Corpus, ready_s: float, stretch: float, rng: np.random.Generator, n: int) -> list[float]:
    """Draw the seconds before the first and after the last run: reading, starting, lines to beat, report."""
    n_tokens = sum(len(text) for text in corpus.texts) / CHARACTERS_OF_TOKEN / 1e6
    unmeasured_s = rng.uniform(*AROUND_S, n) + n_tokens * rng.uniform(*BASELINES_S, n)
    return [float(s) for s in ready_s + max(stretch, 1.0) * unmeasured_s]


def _typical(errors: Sequence[float]) -> float | None:
    """Return the root mean square of log errors as a relative error, None where there are none."""
    return math.expm1(math.sqrt(float(np.mean(np.square(errors))))) if errors else None


def _memory(
    candidates: Sequence[Mapping[str, Any]], timings: Sequence[Timing], corpus: Corpus, n_slots: int
) -> Estimate:
    """Estimate what all processes hold: each worker its programs and views, the driver, Ray's own."""
    n_texts = sum(corpus.splits.sizes()[split] for split in ("train", "validation"))
    views = {(p["vocab_size"], p["sequence_length"]) for p in candidates}
    largest = sorted((n_texts * length * 4 for _, length in views), reverse=True)[:N_VIEWS]
    views_bytes = sum(largest) + largest[0]  # and TensorFlow's copy of the one in use
    worker = max(t.memory_bytes for t in timings)
    low, high = (n_slots * (worker * factor + views_bytes) for factor in WORKER_GROWTH)
    return Estimate((low + high + sum(DRIVER_BYTES)) / 2.0, low + DRIVER_BYTES[0], high + DRIVER_BYTES[1])


def _disk(spec: StudySpec, timings: Sequence[Timing], corpus: Corpus, played: Sequence[Outcome]) -> Estimate:
    """Estimate what the study's folder holds at its end, from the sizes of what is written."""
    n_validation = corpus.splits.sizes()["validation"]
    per_run = result_bytes(spec, n_validation, len(corpus.classes)) + ATTEMPT_BYTES
    kept = min(spec.keep_models, count_runs(spec))
    weights = [4 * t.n_weights for t in timings]
    records = [o.n_runs * per_run + o.n_epochs * EPOCH_BYTES for o in played]
    middle = float(np.median(records))
    return Estimate(
        middle + kept * float(np.mean(weights)) + sum(REPORT_BYTES) / 2.0,
        min(records) + kept * min(weights) + REPORT_BYTES[0],
        max(records) + kept * max(weights) + REPORT_BYTES[1],
    )


def _bound_disk(spec: StudySpec, corpus: Corpus, n_slots: int) -> int | None:
    """Return the most that the study's folder may hold, None where the model is the user's own."""
    footprint = bound_footprint(
        spec,
        n_validation=corpus.splits.sizes()["validation"],
        n_classes=len(corpus.classes),
        n_slots=n_slots,
    )
    return None if footprint.models_bytes is None else footprint.total_bytes
