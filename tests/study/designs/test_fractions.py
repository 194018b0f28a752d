from __future__ import annotations

import itertools

import numpy as np
import pytest

from study.designs.fractions import (
    balanced_fraction,
    chosen_fraction,
    count_estimable,
    regular_fraction,
    unevenness,
)


@pytest.mark.parametrize(
    ("n_factors", "n_generators", "resolution"),
    # Box, Hunter & Hunter (2005), table 6.22: the highest resolution that this many runs allow.
    [
        (3, 1, 3),
        (4, 1, 4),
        (5, 1, 5),
        (5, 2, 3),
        (6, 1, 6),
        (6, 2, 4),
        (6, 3, 3),
        (7, 1, 7),
        (7, 2, 4),
        (7, 3, 4),
        (7, 4, 3),
        (8, 2, 5),
        (8, 3, 4),
        (8, 4, 4),
        (9, 2, 6),
        (9, 3, 4),
        (10, 3, 5),
        (15, 11, 3),
    ],
)
def test_a_two_level_fraction_has_the_best_known_resolution(
    n_factors: int, n_generators: int, resolution: int
) -> None:
    fraction = regular_fraction(n_factors, n_generators)

    assert fraction is not None
    assert fraction.runs.shape == (2 ** (n_factors - n_generators), n_factors)
    assert fraction.resolution == resolution
    assert unevenness([2] * n_factors, fraction.runs) == 0


def test_the_words_of_a_fraction_are_products_that_never_change() -> None:
    fraction = regular_fraction(7, 3)

    assert fraction is not None
    assert len(fraction.words) == 2**3 - 1
    coded = 2 * fraction.runs - 1
    for word in fraction.words:
        assert len({int(product) for product in coded[:, sorted(word)].prod(axis=1)}) == 1


def test_a_fraction_of_resolution_four_has_the_fewest_short_words() -> None:
    fraction = regular_fraction(7, 2)

    assert fraction is not None
    # Minimum aberration of 2^(7-2): one word of four letters; another of resolution four has two or three.
    assert sorted(map(len, fraction.words)) == [4, 5, 5]


def test_aliases_are_effects_with_equal_columns() -> None:
    fraction = regular_fraction(5, 2)

    assert fraction is not None
    coded = 2 * fraction.runs - 1
    columns = {
        frozenset(effect): coded[:, list(effect)].prod(axis=1)
        for size in (1, 2)
        for effect in itertools.combinations(range(5), size)
    }
    alike = {
        frozenset((one, other))
        for one, other in itertools.combinations(columns, 2)
        if abs(int(columns[one] @ columns[other])) == len(coded)
    }
    said = {frozenset(pair) for group in fraction.aliases() for pair in itertools.combinations(group, 2)}
    assert said == alike
    assert alike


@pytest.mark.parametrize(("n_factors", "n_generators"), [(2, 1), (4, 3), (3, 0), (2, 3)])
def test_too_few_runs_make_no_two_level_fraction(n_factors: int, n_generators: int) -> None:
    assert regular_fraction(n_factors, n_generators) is None


@pytest.mark.parametrize(
    ("n_levels", "n_runs"),
    [
        ((3, 3, 3), 9),
        ((3, 3, 3, 3), 9),
        ((2, 2, 2, 2, 2), 12),
        ((3, 2, 3, 2, 2), 36),
        ((3, 2, 3, 2, 3, 3), 36),
    ],
)
def test_an_orthogonal_fraction_is_found_where_there_is_one(n_levels: tuple[int, ...], n_runs: int) -> None:
    runs = balanced_fraction(n_levels, n_runs, seed=0)

    assert unevenness(n_levels, runs) == 0
    assert len(np.unique(runs, axis=0)) == n_runs


@pytest.mark.parametrize(
    ("n_levels", "n_runs"),
    [
        ((3, 2), 3),
        ((3, 2, 2), 6),
        ((4, 3, 2), 12),
        ((4, 3, 2), 18),
        ((5, 3, 3), 15),
        ((3, 2, 3, 2, 3), 18),
        ((3, 2, 3, 2, 3), 54),
        ((2, 2, 2, 2), 7),
        ((3, 2, 3, 2, 2), 48),
    ],
)
def test_levels_and_pairs_of_levels_occur_equally_often_or_within_one(
    n_levels: tuple[int, ...], n_runs: int
) -> None:
    runs = balanced_fraction(n_levels, n_runs, seed=1)

    assert unevenness(n_levels, runs) <= 1
    assert len(np.unique(runs, axis=0)) == n_runs


def test_the_same_seed_chooses_the_same_fraction() -> None:
    first = balanced_fraction((3, 2, 3, 2), 12, seed=5)

    assert np.array_equal(balanced_fraction((3, 2, 3, 2), 12, seed=5), first)


def test_a_fraction_of_what_is_legal_stays_within_it_and_beats_chance() -> None:
    n_levels = (3, 2, 3, 2)
    everything = np.array(list(itertools.product(*map(range, n_levels))))
    legal = everything[~((everything[:, 0] == 0) & (everything[:, 2] == 2))]

    indices = chosen_fraction(legal, n_levels, 12, seed=0)

    assert len(set(indices.tolist())) == 12
    chance = [
        unevenness(n_levels, legal[np.random.default_rng(seed).permutation(len(legal))[:12]])
        for seed in range(20)
    ]
    assert unevenness(n_levels, legal[indices]) < np.mean(chance)
    assert np.array_equal(chosen_fraction(legal, n_levels, 12, seed=0), indices)


def test_estimable_numbers_are_counted_as_by_hand() -> None:
    full = np.array(list(itertools.product(range(3), range(2), range(2))))

    # The mean, 2 + 1 + 1 single effects, 2 + 2 + 1 of pairs.
    assert count_estimable((3, 2, 2), full) == (10, 10)
    assert count_estimable((3, 2, 2), full[:6]) == (10, 6)
