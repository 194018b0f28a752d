"""Designs that draw their settings in advance: at random, or evenly by a Sobol sequence."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from analysis.words.numbers import count, count_of, listing
from search_spaces import Space
from study.designs.base import BaseDesign, Plan, say_luck, say_runs, size_of
from study.designs.strata import Stratum, interleave, stratify
from study.errors import StudyError
from study.seeds import derive_seed

MAX_TRIALS = 20_000
"""This many settings are drawn in a few seconds and 200 MB; what is more is a slip of the keyboard."""


class DrawnDesign(BaseDesign):
    """A number of settings, in equal shares for each level of the scientific parameters."""

    trials: int = Field(default=24, ge=1, le=MAX_TRIALS, description="settings to try")
    scientific: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="parameters in question: each of their levels gets equally many settings",
    )

    def check(self, space: Space, max_epochs: int) -> None:
        """Refuse trials that cannot be shared equally.

        Raises:
            StudyError: Also if `scientific` names what cannot be compared.
        """
        n_strata = len(self.strata(space))
        if n_strata == 0 or self.trials % n_strata:
            share = max(self.trials // max(n_strata, 1), 1) * n_strata
            raise StudyError(
                f"each level of {listing(self.scientific)} gets equally many trials: "
                f"design.trials={self.trials} cannot be shared by {n_strata}; "
                f"use {share} or {share + n_strata}"
            )

    def strata(self, space: Space) -> list[Stratum]:
        """Return one for each level of the scientific parameters."""
        return stratify(space, self.scientific)

    def count(self, space: Space) -> int:
        """Return how many settings it tries, repeats among them."""
        return self.trials

    def _say_strata(self, space: Space, *, are_paired: bool) -> list[str]:
        """Say what equal shares are good for; nothing where there are none."""
        if not self.scientific:
            return []
        n_strata, names = len(self.strata(space)), listing(self.scientific)
        combination = "combination of " if len(self.scientific) > 1 else ""
        same = (
            "the same for each, so that levels are compared in pairs"
            if are_paired
            else "found by a search of its own"
        )
        rest = [name for name in space.dimensions if name not in self.scientific]
        return [
            f"Can answer which {combination}{names} is best when each is tuned with the same effort: each of "
            f"the {n_strata} levels gets {count(self.trials // n_strata, 'setting')} of "
            f"{listing(rest, limit=12) or 'nothing else'}, {same}.",
            f"Cannot answer how much {listing(rest)} matter: they are tuned, not compared."
            if rest
            else "Cannot answer anything else: nothing else varies.",
        ]


class RandomDesign(DrawnDesign):
    """Settings drawn independently of each other, each trained to its end."""

    kind: Literal["random"] = "random"

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return the settings."""
        return draw_at_random(self.strata(space), self.trials, study_seed)

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        what = "drawn at random, each trained to its end."
        return [
            say_runs(self.trials, seeds, what),
            *say_repeats(self.plan(space, study_seed)),
            *say_companions(self.plan(space, study_seed)),
            *(self._say_strata(space, are_paired=not space.constraints) or say_drawn(space)),
            *say_luck(seeds),
        ]


class SobolDesign(DrawnDesign):
    """Settings spread evenly over the space by a scrambled Sobol sequence, each trained to its end."""

    kind: Literal["sobol"] = "sobol"

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return the settings."""
        return draw_evenly(self.strata(space), self.trials, study_seed)

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        what = "spread evenly over the space by a Sobol sequence, each trained to its end."
        return [
            say_runs(self.trials, seeds, what),
            *say_repeats(self.plan(space, study_seed)),
            *say_companions(self.plan(space, study_seed)),
            *(self._say_strata(space, are_paired=not space.constraints) or say_drawn(space)),
            *self._say_evenness(space),
            *say_luck(seeds),
        ]

    def _say_evenness(self, space: Space) -> list[str]:
        share = self.trials // len(self.strata(space))
        said = []
        if share & (share - 1):
            below = 1 << (share.bit_length() - 1)
            of = "" if share == self.trials else " of a level"
            said.append(
                f"The sequence is even at powers of two: {below} or {2 * below} settings{of} would cover "
                f"the space better than {share}."
            )
        if space.constraints:
            said.append("Points that break a constraint are passed over, which leaves gaps in the evenness.")
        return said


def draw_at_random(strata: Sequence[Stratum], n_trials: int, study_seed: int) -> Plan:
    """Draw each setting from its own number, so that order, restarts and more trials change nothing."""
    import numpy as np

    def draw(within: Space, n: int) -> list[dict[str, Any]]:
        return [
            within.sample(np.random.default_rng(derive_seed(study_seed, "design", number)))
            for number in range(n)
        ]

    return interleave(strata, n_trials, draw)


def draw_evenly(strata: Sequence[Stratum], n_trials: int, study_seed: int) -> Plan:
    """Draw the first points of one scrambled Sobol sequence."""
    import numpy as np

    def draw(within: Space, n: int) -> tuple[dict[str, Any], ...]:
        rng = np.random.default_rng(derive_seed(study_seed, "design", 0))
        return within.draw(n, rng, method="sobol").settings

    return interleave(strata, n_trials, draw)


def say_repeats(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many settings come up again, if any do."""
    n_distinct = len({tuple(setting.items()) for setting in plan})
    if n_distinct == len(plan):
        return []
    return [
        f"{count_of(n_distinct, len(plan), 'setting')} distinct: one that comes up again is trained under "
        "further seeds."
    ]


def say_companions(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which parameters go together in all settings: what one of them does, the other may have done.

    The first eight points of a Sobol sequence in five or more dimensions cannot but have such a pair.
    """
    columns = {
        name: [setting.get(name) for setting in plan] for name in dict.fromkeys(itertools.chain(*plan))
    }
    n_levels = {name: len(set(values)) for name, values in columns.items()}
    varied = [name for name, n in n_levels.items() if 1 < n < len(plan)]
    together = [
        f"{a} with {b}"
        for a, b in itertools.combinations(varied, 2)
        if n_levels[a] == n_levels[b] == len(set(zip(columns[a], columns[b], strict=True)))
    ]
    if not together:
        return []
    return [
        f"Cannot tell apart what always goes together: {listing(together, limit=6)}; more trials, or a "
        "factorial, would part them."
    ]


def say_drawn(space: Space) -> list[str]:
    """Say what independent settings can answer."""
    n_all = size_of(space)
    said = [
        f"Can answer roughly how much each of {listing(space.dimensions, limit=12)} matters, and how good a "
        "setting found without any search is: the line that a sampler has to beat.",
        "Cannot answer exactly: levels meet in different company, so the report holds all else equal by an "
        "additive model, and which parameters act together shows only where the effect is large.",
    ]
    if n_all <= 4096:
        each = "it" if n_all == 1 else "each of them"
        said.append(f"The space has {count(int(n_all), 'setting')} in all: a grid would try {each} once.")
    return said
