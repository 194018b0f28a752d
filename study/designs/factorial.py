"""Factorial designs: levels of all parameters crossed, in full or in a balanced fraction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from analysis.words.numbers import count, listing
from search_spaces import Space
from study.designs.base import BaseDesign, Plan, say_luck, say_runs
from study.designs.crossing import Crossing, cross
from study.errors import StudyError
from study.seeds import derive_seed

if TYPE_CHECKING:
    from study.designs.fractions import Levels, RegularFraction

MAX_CANDIDATES = 5_000
"""Most legal combinations from which a fraction is chosen one by one."""

MAX_FRACTION_RUNS = 512
"""Most settings of a fraction that no generators give: the search for balance takes seconds there."""

MAX_NAMED = 3
"""Groups of effects that cannot be told apart that are named; the others are counted."""


def _read_fraction(value: object) -> object:
    """Read `1/4` as a number."""
    if isinstance(value, str):
        try:
            return float(Fraction(value))
        except (ValueError, ZeroDivisionError) as error:
            raise StudyError(
                f"a fraction is a number above 0 and up to 1, or written as 1/4: {value!r} is not; write 1/4"
            ) from error
    return value


class FactorialDesign(BaseDesign):
    """Levels of all parameters crossed, so that each is judged over all others."""

    kind: Literal["factorial"] = "factorial"
    points: int = Field(default=2, ge=1, description="levels taken from each numeric range, its ends first")
    fraction: Annotated[float, BeforeValidator(_read_fraction)] = Field(
        default=1.0, gt=0.0, le=1.0, description="share of all combinations to try, 0.25 or 1/4 for example"
    )

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return the settings; a full factorial in blocks, each nearly balanced in itself.

        Raises:
            StudyError: If the fraction is too small to tell parameters apart, or too large to be chosen.
        """
        crossing = cross(space, self.points)
        n_runs = self._count_runs(crossing)
        if n_runs == len(crossing.settings):
            return _in_blocks(crossing)
        return [crossing.settings[index] for index in self._choose(crossing, n_runs, study_seed)]

    def count(self, space: Space) -> int:
        """Return how many settings it tries."""
        return self._count_runs(cross(space, self.points))

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        crossing = cross(space, self.points)
        n_runs, n_all = self._count_runs(crossing), len(crossing.settings)
        names = listing(crossing.names, limit=12)
        if n_runs == n_all:
            said = [
                say_runs(n_runs, seeds, f"every combination of the levels of {names or 'nothing'}."),
                *_say_full(names),
                *crossing.say_pairs(n_runs),
            ]
        else:
            said = [
                say_runs(n_runs, seeds, f"chosen in balance from the {n_all:,} combinations of {names}."),
                *self._say_fraction(crossing, n_runs, study_seed),
            ]
        if not crossing.is_full:
            said.append(
                "Combinations that a constraint or condition rules out leave gaps: levels near them are "
                "compared over fewer settings."
            )
        return [*said, *say_luck(seeds)]

    def _count_runs(self, crossing: Crossing) -> int:
        n_all = len(crossing.settings)
        n_runs = max(round(self.fraction * n_all), 1)
        if n_runs < n_all and n_runs < crossing.n_numbers:
            least = crossing.n_numbers / n_all
            raise StudyError(
                f"a fraction has at least as many settings as effects to tell apart: design.fraction="
                f"{self.fraction:g} of {n_all} settings is {n_runs}, the parameters' effects are "
                f"{crossing.n_numbers}; use {math.ceil(least * 1000) / 1000:g} or more, or fewer levels"
            )
        return n_runs

    def _choose(self, crossing: Crossing, n_runs: int, study_seed: int) -> list[int]:
        """Return the indices of the fraction's settings among all combinations."""
        import numpy as np

        from study.designs.fractions import balanced_fraction, chosen_fraction

        seed = derive_seed(study_seed, "design", 0)

        regular = _find_regular(crossing, n_runs)
        if regular is not None:
            return _find_indices(crossing, regular.runs)
        if n_runs > MAX_FRACTION_RUNS or (not crossing.is_full and len(crossing.settings) > MAX_CANDIDATES):
            raise StudyError(
                f"a fraction is chosen from at most {MAX_CANDIDATES} legal combinations and has at most "
                f"{MAX_FRACTION_RUNS} settings: there are {len(crossing.settings)} and {n_runs}; "
                "use fewer levels, or the sobol design"
            )
        if not crossing.is_full:
            indices = chosen_fraction(crossing.candidates, crossing.n_levels, n_runs, seed)
            return [int(index) for index in indices]
        runs: Levels = np.unique(balanced_fraction(crossing.n_levels, n_runs, seed), axis=0)
        return _find_indices(crossing, runs)

    def _say_fraction(self, crossing: Crossing, n_runs: int, study_seed: int) -> list[str]:
        regular = _find_regular(crossing, n_runs)
        said = (
            _say_regular(crossing, regular) if regular else self._say_balanced(crossing, n_runs, study_seed)
        )
        return [*said, *_say_freedom(crossing, n_runs)]

    def _say_balanced(self, crossing: Crossing, n_runs: int, study_seed: int) -> list[str]:
        from study.designs.fractions import count_estimable, unevenness

        runs = crossing.candidates[self._choose(crossing, n_runs, study_seed)]
        uneven = unevenness(crossing.n_levels, runs)
        numbers, found = count_estimable(crossing.n_levels, runs)
        give_or_take = "" if uneven == 0 else f", give or take {uneven}"
        said = [
            f"Can answer what each of {listing(crossing.names, limit=12)} changes on average over the "
            f"others: levels, and pairs of levels, occur equally often{give_or_take}."
        ]
        if found < numbers:
            return [
                *said,
                f"Cannot answer which pairs act together: that takes {numbers} numbers and only {found} can "
                "be told apart; a strong interaction leaks into the effects of single parameters.",
            ]
        return [
            *said,
            "Can answer which pairs act together, with less certainty than the full factorial.",
            "Cannot answer how three or more act together.",
        ]


def _in_blocks(crossing: Crossing) -> list[Mapping[str, Any]]:
    """Order settings in as many blocks as the largest factor has levels, by the sum of level numbers.

    Where another factor has as many levels, a block holds every level of a factor equally often.
    """
    n_blocks = max(crossing.n_levels, default=1)
    block = crossing.candidates.sum(axis=1) % n_blocks
    return [
        crossing.settings[index] for index in sorted(range(len(block)), key=lambda index: int(block[index]))
    ]


def _find_regular(crossing: Crossing, n_runs: int) -> RegularFraction | None:
    """Return the 2^(k-p) fraction of this size, None where there is none."""
    from study.designs.fractions import regular_fraction

    n_factors = len(crossing.names)
    if not crossing.is_full or set(crossing.n_levels) != {2} or n_runs.bit_count() != 1:
        return None
    return regular_fraction(n_factors, n_factors - n_runs.bit_length() + 1)


def _find_indices(crossing: Crossing, runs: Levels) -> list[int]:
    index_of = {tuple(row): index for index, row in enumerate(crossing.candidates.tolist())}
    return sorted(index_of[tuple(run)] for run in runs.tolist())


def _say_full(names: str) -> list[str]:
    return [
        f"Can answer what each of {names} changes, over all values of the others, and which of them act "
        "together, pairs and more.",
        "The settings come in blocks: a study stopped early has tried each level about equally often.",
        "Cannot answer what values between or beyond those tried would do.",
    ]


def _say_regular(crossing: Crossing, fraction: RegularFraction) -> list[str]:
    resolution = fraction.resolution
    said = [
        f"Can answer what each of {listing(crossing.names, limit=12)} changes: every level and pair of "
        f"levels occurs equally often (a two-level fraction of resolution {resolution})."
    ]
    if resolution >= 5:
        return [
            *said,
            "Can answer which pairs act together; cannot answer how three or more do.",
        ]
    groups = [" = ".join(_say_effect(crossing, effect) for effect in group) for group in fraction.aliases()]
    named = listing(groups, limit=MAX_NAMED)
    if resolution == 4:
        return [*said, f"Cannot answer which pairs act together where it cannot tell them apart: {named}."]
    return [
        *said,
        "Cannot tell a parameter's effect from that of pairs that act together, and is only right where none "
        f"do: {named}.",
    ]


def _say_effect(crossing: Crossing, effect: frozenset[int]) -> str:
    return " x ".join(crossing.names[factor] for factor in sorted(effect))


def _say_freedom(crossing: Crossing, n_runs: int) -> list[str]:
    """Say where the report's additive model has too few settings to judge a fraction by."""
    from analysis.statistics.additive import MIN_FREEDOM

    lacking = crossing.n_numbers + MIN_FREEDOM - n_runs
    if lacking <= 0:
        return crossing.say_pairs(n_runs)
    return [
        f"The report gives no verdict: it judges such a fraction by an additive model, which wants "
        f"{count(lacking, 'more setting')}; use a larger fraction."
    ]
