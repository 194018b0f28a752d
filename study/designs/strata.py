"""Strata: the levels of the scientific parameters, each with an equal share of the trials.

The question of a study is about its scientific parameters; all others are nuisance, to be tuned equally well
within each level (Godbole et al., Deep Learning Tuning Playbook, 2023).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces import Fixed, Space
from search_spaces.errors import hint_name
from study.errors import StudyError

MAX_STRATA = 64
"""Most levels that are tuned within: more are no question any more."""


@dataclass(frozen=True)
class Stratum:
    """One combination of levels of the scientific parameters.

    Attributes:
        levels: Value of each scientific parameter; empty where nothing is scientific.
        space: The space with these values fixed.
    """

    levels: Mapping[str, Any]
    space: Space

    @property
    def name(self) -> str:
        """The levels in words, `cell=lstm, layers=2`; empty where nothing is scientific."""
        return ", ".join(f"{name}={value}" for name, value in self.levels.items())


def stratify(space: Space, scientific: Sequence[str]) -> list[Stratum]:
    """Return a stratum for each legal combination of the scientific parameters, the whole space for none.

    Raises:
        StudyError: If a parameter is unknown, fixed, conditional or continuous, or there are too many levels.
    """
    values = {name: _levels(space, name) for name in dict.fromkeys(scientific)}
    combinations = [
        dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())
    ]
    legal = [levels for levels in combinations if space.violated(levels) is None]
    if len(legal) > MAX_STRATA:
        raise StudyError(
            f"design.scientific makes {len(legal)} levels to tune within, more than {MAX_STRATA}: "
            "name fewer parameters, or list fewer of their values"
        )
    return [Stratum(levels, space.fix(levels) if levels else space) for levels in legal]


def _levels(space: Space, name: str) -> list[Any]:
    if name not in space.parameters:
        hint = hint_name(name, space.dimensions)
        raise StudyError(f"design.scientific names parameters that are searched: {name!r} is none; {hint}")
    domain = space.parameters[name]
    if isinstance(domain, Fixed):
        raise StudyError(
            f"design.scientific names parameters that are searched: {name} is fixed at {domain.value!r}; "
            "give it several values in space, or leave it out"
        )
    if name in space.conditions:
        raise StudyError(
            f"a scientific parameter is part of every setting: {name} only applies where "
            f"{space.conditions[name].text!r} holds; name another, or drop the condition"
        )
    if domain.size() > MAX_STRATA:
        raise StudyError(
            f"each value of a scientific parameter is tuned for itself: {name} is {domain.describe()}; "
            f"list the values to compare, at most {MAX_STRATA}"
        )
    return domain.levels()


def interleave(
    strata: Sequence[Stratum], n_trials: int, draw: Callable[[Space, int], Sequence[Mapping[str, Any]]]
) -> list[Mapping[str, Any]]:
    """Return settings that take the strata in turns, so that a study stopped early is balanced too.

    Args:
        strata: One or more.
        n_trials: How many in all.
        draw: Returns n settings of a space; the same for each stratum where their spaces differ only in what
            is fixed, so that the strata are compared over the same settings of all else.
    """
    per_stratum = -(-n_trials // len(strata))
    drawn = [draw(stratum.space, per_stratum) for stratum in strata]
    return [settings[index] for index in range(per_stratum) for settings in drawn][:n_trials]
