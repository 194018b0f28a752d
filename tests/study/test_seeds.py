from __future__ import annotations

from study.seeds import derive_seed


def test_a_seed_depends_on_nothing_but_its_arguments() -> None:
    assert derive_seed(3, "replicate", 2) == derive_seed(3, "replicate", 2)


def test_studies_replicates_and_purposes_have_seeds_of_their_own() -> None:
    seeds = {
        derive_seed(study, purpose, number)
        for study in range(10)
        for purpose in ("replicate", "design", "sampler")
        for number in range(10)
    }

    assert len(seeds) == 300  # two of 300 draws from 2**31 coincide in one of 48,000 such sets


def test_seed_zero_is_a_seed() -> None:
    assert derive_seed(0, "replicate", 1) != derive_seed(1, "replicate", 1)
