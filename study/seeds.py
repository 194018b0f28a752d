"""Where every random number of a study comes from: its one seed."""

from __future__ import annotations

from typing import Literal

Purpose = Literal["replicate", "design", "sampler", "audit"]
_PURPOSES: dict[Purpose, int] = {"replicate": 0, "design": 1, "sampler": 2, "audit": 3}


def derive_seed(study_seed: int, purpose: Purpose, number: int) -> int:
    """Derive the seed of one part of a study.

    A replicate's seed depends on its number alone, never on the trial, the worker or the order: replicate 2
    of every setting shares initialisation and order of batches, so that settings are compared in pairs.

    Args:
        study_seed: The study's own seed, at least 0.
        purpose: What the seed is for; different purposes give unrelated streams.
        number: Which replicate (from 1), trial, leg or run.

    Returns:
        An integer in [0, 2**31), which every library accepts.
    """
    import numpy as np

    sequence = np.random.SeedSequence(study_seed, spawn_key=(_PURPOSES[purpose], number))
    return int(sequence.generate_state(1)[0]) & 0x7FFF_FFFF
