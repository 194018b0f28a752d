"""What the processes of a study hold in memory, from what they held when they were timed."""

from __future__ import annotations

from collections.abc import Sequence

from study.data import Corpus
from study.designs import Plan
from study.forecast.costs import Estimate, Timing
from study.training.caching import N_VIEWS

DRIVER_BYTES = (0.7e9, 1.1e9)
"""Driver and Ray's own processes: 0.7 GB where shared pages count once, 1.1 GB where they count each time."""

WORKER_GROWTH = (1.0, 1.4)
"""What a worker holds in the end, of what the same programs held when they were timed."""


def expect_memory(candidates: Plan, timings: Sequence[Timing], corpus: Corpus, n_slots: int) -> Estimate:
    """Return what all processes hold: each worker its programs and views, the driver, Ray's own.

    Args:
        candidates: Settings as the study may train them.
        timings: Of some of them.
        corpus: The texts.
        n_slots: Runs at once.
    """
    n_texts = sum(corpus.splits.sizes()[split] for split in ("train", "validation"))
    views = {(p["vocab_size"], p["sequence_length"]) for p in candidates}
    largest = sorted((n_texts * length * 4 for _, length in views), reverse=True)[:N_VIEWS]
    views_bytes = sum(largest) + largest[0]  # and TensorFlow's copy of the one in use
    worker = max(t.memory_bytes for t in timings)
    low, high = (n_slots * (worker * factor + views_bytes) for factor in WORKER_GROWTH)
    return Estimate((low + high + sum(DRIVER_BYTES)) / 2.0, low + DRIVER_BYTES[0], high + DRIVER_BYTES[1])
