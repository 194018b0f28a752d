"""Parts of a factorial that still compare every level fairly: rows of level numbers, no names.

A fraction is a matrix of level numbers from 0, shape (n_runs, n_factors), each row once.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.int64]
Floats = NDArray[np.float64]

MAX_GENERATORS_TRIED = 20_000
"""Sets of generators that are all compared; beyond, each is chosen after the other."""

_STARTS = 20
_TRIES = 5
_REPEATED = 1e3  # outweighs any sum of level counts: two equal rows waste a run
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RegularFraction:
    """A 2^(k-p) fraction.

    Attributes:
        runs: Level numbers, shape (2^(k-p), k).
        words: The defining relation: sets of factors whose product is constant, identity left out.
    """

    runs: Levels
    words: tuple[frozenset[int], ...]

    @property
    def resolution(self) -> int:
        """Length of the shortest word: at 4, effects of one factor are mixed with those of three or more."""
        return min(len(word) for word in self.words)

    def aliases(self) -> list[list[frozenset[int]]]:
        """Main effects and interactions of two factors that cannot be told from each other, in groups."""
        n_factors = self.runs.shape[1]
        effects = [frozenset(e) for size in (1, 2) for e in itertools.combinations(range(n_factors), size)]
        groups: dict[frozenset[frozenset[int]], list[frozenset[int]]] = {}
        for effect in effects:
            coset = frozenset([effect, *(effect ^ word for word in self.words)])
            groups.setdefault(coset, []).append(effect)
        return [group for group in groups.values() if len(group) > 1]


def regular_fraction(n_factors: int, n_generators: int) -> RegularFraction | None:
    """Halve a two-level factorial `n_generators` times, with the generators that mix effects least.

    Returns:
        The fraction whose shortest words are longest and fewest; None where there are too few runs for
        any to keep main effects apart.

    Source: Box, Hunter & Hunter (2005), ch. 6; minimum aberration: Fries & Hunter (1980), Technometrics 22.
    """
    n_base = n_factors - n_generators
    products = [mask for mask in range(2 ** max(n_base, 0)) if mask.bit_count() >= 2]
    if n_generators < 1 or len(products) < n_generators:
        return None
    chosen: tuple[int, ...] = ()
    if math.comb(len(products), n_generators) <= MAX_GENERATORS_TRIED:
        chosen = min(itertools.combinations(products, n_generators), key=_word_lengths)
    else:
        for _ in range(n_generators):
            chosen = min(((*chosen, mask) for mask in products if mask not in chosen), key=_word_lengths)
    base = np.array(list(itertools.product((0, 1), repeat=n_base)), dtype=np.int64)
    bits = [[index for index in range(n_base) if mask >> index & 1] for mask in chosen]
    # With levels coded -1 and 1, a product of factors: an odd number of low levels makes it low.
    added = [1 - (len(b) - base[:, b].sum(axis=1)) % 2 for b in bits]
    words = tuple(
        frozenset([p for p in range(n_base) if mask >> p & 1] + [n_base + g for g in members])
        for members, mask in _products(chosen)
    )
    return RegularFraction(np.column_stack([base, *added]), words)


def _products(generators: Sequence[int]) -> Iterable[tuple[tuple[int, ...], int]]:
    """Every product of generating words: which generators, and the base factors that remain."""
    found: list[tuple[tuple[int, ...], int]] = [((), 0)]
    for index, mask in enumerate(generators):
        found += [((*members, index), product ^ mask) for members, product in found]
    return found[1:]


def _word_lengths(generators: tuple[int, ...]) -> list[int]:
    """Number of words of each length from 1: less is better, short words first."""
    lengths = Counter(len(members) + mask.bit_count() for members, mask in _products(generators))
    return [lengths[length] for length in range(1, max(lengths) + 1)]


def balanced_fraction(n_levels: Sequence[int], n_runs: int, seed: int) -> Levels:
    """Choose runs from a full factorial so that levels, and pairs of levels, occur as equally as possible.

    Columns are added one after the other, the largest factor first; in each, levels are swapped between runs
    while that makes pairs more equal. The best of several starts counts. Levels of one factor occur equally
    often or differ by one; pairs do where such a fraction is found.

    Args:
        n_levels: Levels of each factor.
        n_runs: At most half of all combinations is searched for; of more, the rest is, and left out.
        seed: Starts the search; the same seed gives the same fraction.

    Source: the J2 criterion and columns in turn, Xu (2002), Technometrics 44; swaps within columns, Li & Wu
        (1997), Technometrics 39.
    """
    n_all = math.prod(n_levels)
    if n_runs > n_all // 2:
        left_out = {tuple(run) for run in balanced_fraction(n_levels, n_all - n_runs, seed).tolist()}
        kept = [run for run in itertools.product(*map(range, n_levels)) if run not in left_out]
        return np.array(kept, dtype=np.int64).reshape(-1, len(n_levels))
    rng = np.random.default_rng(seed)
    best: tuple[tuple[int, float], Levels] | None = None
    for _ in range(_STARTS):
        runs, cost = _build_columns(n_levels, n_runs, rng)
        repeats = n_runs - len(np.unique(runs, axis=0))
        if best is None or (repeats, cost) < best[0]:
            best = (repeats, cost), runs
        if not repeats and unevenness(n_levels, runs) <= 1:
            break
    assert best is not None
    return best[1][np.lexsort(best[1].T[::-1])]


def _build_columns(n_levels: Sequence[int], n_runs: int, rng: np.random.Generator) -> tuple[Levels, float]:
    """One start: the runs, and their J2 (sum of squared similarities of two runs)."""
    order = sorted(range(len(n_levels)), key=lambda factor: -n_levels[factor])
    others = 1.0 - np.eye(n_runs)
    similarity = np.zeros((n_runs, n_runs))
    runs = np.zeros((n_runs, len(n_levels)), dtype=np.int64)
    for factor in order:
        weights = similarity
        if factor == order[-1]:
            total = float(sum(n_levels[f] for f in order[:-1]))
            weights = similarity + _REPEATED * (similarity >= total - _ROUNDING) * others
        tries = [_swap_levels(rng.permutation(n_runs) % n_levels[factor], weights) for _ in range(_TRIES)]
        column, _ = min(tries, key=lambda found: found[1])
        runs[:, factor] = column
        similarity = similarity + n_levels[factor] * (column[:, None] == column) * others
    return runs, round(float((similarity**2).sum()), 6)


def _swap_levels(column: Levels, weights: Floats) -> tuple[Levels, float]:
    """Swap levels of two runs, the best two each time, until runs alike elsewhere are least alike here."""
    column = column.copy()
    while True:
        same = column[:, None] == column
        # What a run would have in common with all at another run's level, less what it has with its own.
        gained = weights @ same.astype(float)
        gained -= np.diag(gained)[:, None]
        change = np.where(same, np.inf, gained + gained.T - 2 * weights)
        one, other = np.unravel_index(int(np.argmin(change)), change.shape)
        if change[one, other] >= -_ROUNDING:
            return column, round(float(weights[same].sum()), 6)
        column[[one, other]] = column[[other, one]]


def chosen_fraction(candidates: Levels, n_levels: Sequence[int], n_runs: int, seed: int) -> NDArray[np.int64]:
    """Choose runs from a list, where not all combinations are legal, as equally as the list allows.

    Runs are exchanged for candidates, the best exchange each time, until none makes pairs more equal.

    Args:
        candidates: Level numbers, shape (n_candidates, n_factors), each row once.
        n_levels: Levels of each factor, "does not apply" among them.
        n_runs: At most as many as there are candidates.
        seed: Starts the search.

    Returns:
        Indices in `candidates`, ascending, shape (n_runs,).

    Source: J2 as in `balanced_fraction`; exchange: Fedorov (1972).
    """
    rng = np.random.default_rng(seed)
    coded = np.hstack([math.sqrt(n) * (candidates[:, [f]] == np.arange(n)) for f, n in enumerate(n_levels)])
    best: tuple[float, NDArray[np.int64]] | None = None
    for _ in range(_STARTS):
        indices = rng.permutation(len(candidates))[:n_runs]
        cost = _exchange_runs(coded, indices)
        if best is None or cost < best[0]:
            best = cost, indices
    assert best is not None
    return np.sort(best[1])


def _exchange_runs(coded: Floats, indices: NDArray[np.int64]) -> float:
    """Exchange the runs at `indices`, in place; return their J2."""
    n_runs = np.arange(len(indices))
    likeness = (coded @ coded[indices].T) ** 2
    total = likeness.sum(axis=1)
    chosen = np.zeros(len(coded), dtype=bool)
    chosen[indices] = True
    while True:
        change = total[:, None] - likeness - (total[indices] - likeness[indices, n_runs])
        change[chosen] = np.inf
        entering, leaving = np.unravel_index(int(np.argmin(change)), change.shape)
        if change[entering, leaving] >= -_ROUNDING:
            return round(float(total[indices].sum()), 6)
        chosen[indices[leaving]], chosen[entering] = False, True
        column = (coded @ coded[entering]) ** 2
        total += column - likeness[:, leaving]
        likeness[:, leaving], indices[leaving] = column, entering


def unevenness(n_levels: Sequence[int], runs: Levels) -> int:
    """Largest difference in how often two levels of a factor, or two pairs of levels, occur."""
    counts = [np.bincount(runs[:, f], minlength=n) for f, n in enumerate(n_levels)]
    for one, other in itertools.combinations(range(len(n_levels)), 2):
        cells = runs[:, one] * n_levels[other] + runs[:, other]
        counts.append(np.bincount(cells, minlength=n_levels[one] * n_levels[other]))
    return max((int(np.ptp(count)) for count in counts), default=0)


def count_estimable(n_levels: Sequence[int], runs: Levels) -> tuple[int, int]:
    """Return how many numbers a model of single and paired effects has, and how many the runs can tell."""
    blocks = [np.ones((len(runs), 1))]
    mains = [(runs[:, [f]] == np.arange(1, n)).astype(float) for f, n in enumerate(n_levels)]
    for one, other in itertools.combinations(mains, 2):
        blocks.append((one[:, :, None] * other[:, None, :]).reshape(len(runs), -1))
    model = np.hstack([*blocks, *mains])
    return model.shape[1], int(np.linalg.matrix_rank(model))
