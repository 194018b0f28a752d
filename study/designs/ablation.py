"""One factor at a time: a baseline, and every setting that differs from it in one parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from analysis.words.numbers import count, listing
from search_spaces import Choice, Domain, Fixed, Space, SpaceError
from search_spaces.errors import hint_name
from study.designs.base import BaseDesign, Plan, say_luck, say_runs
from study.errors import StudyError


class AblationDesign(BaseDesign):
    """A baseline, and each parameter moved to each of its other levels, all else at the baseline."""

    kind: Literal["ablation"] = "ablation"
    baseline: dict[str, Any] = Field(
        default={},
        description="the setting to vary around; by default the first choice, and the middle of a range",
    )
    points: int = Field(
        default=3, ge=2, description="levels taken from each numeric range, both ends among them"
    )

    def check(self, space: Space, max_epochs: int) -> None:
        """Refuse a baseline that is no setting of the space.

        Raises:
            StudyError: In one line.
        """
        self._complete_baseline(space)

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return the baseline, then the settings around it, parameter by parameter."""
        values = self._complete_baseline(space)
        return [_keep_active(space, values), *self._vary(space, values)[0]]

    def count(self, space: Space) -> int:
        """Return how many settings it tries."""
        return len(self.plan(space, 0))

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        values = self._complete_baseline(space)
        baseline = _keep_active(space, values)
        around, illegal = self._vary(space, values)
        varied = [name for name in baseline if name in space.dimensions]
        at = listing([f"{name}={baseline[name]}" for name in varied], limit=12)
        said = [
            say_runs(
                1 + len(around),
                seeds,
                f"the baseline ({at}), and {len(around)} that differ from it in one parameter.",
            ),
            f"Can answer what each of {listing(varied, limit=12)} changes around the baseline; each "
            f"difference is between two settings, over {count(seeds, 'pair')} of runs.",
            "Cannot answer which parameters act together: two changes that help only together are never "
            "tried together, and each looks worthless; nor which setting is best of all. A factorial can.",
            *_say_ends(space, baseline),
        ]
        if illegal:
            said.append(f"Left out, for a constraint rules it out at this baseline: {listing(illegal)}.")
        said.append(
            "The report compares each level with the baseline's, at the baseline alone; it ranks settings."
        )
        return [*said, *say_luck(seeds)]

    def _complete_baseline(self, space: Space) -> dict[str, Any]:
        """Return a value for every parameter, those among them that do not apply at the baseline."""
        for name in self.baseline:
            if name not in space.parameters:
                hint = hint_name(name, space.parameters)
                raise StudyError(f"design.baseline gives parameters of the space: {name!r} is none; {hint}")
        values = {name: self.baseline.get(name, _middle(domain)) for name, domain in space.parameters.items()}
        try:
            for name, domain in space.parameters.items():
                if not domain.contains(values[name]):
                    raise SpaceError(
                        f"{name}={values[name]!r} is not in its domain: give {domain.describe()}."
                    )
            space.validate(_keep_active(space, values))
        except SpaceError as error:
            raise StudyError(f"design.baseline is a setting of the space: {error}") from error
        return values

    def _vary(self, space: Space, values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the settings around the baseline, and what of them a constraint rules out."""
        legal, illegal = [], []
        for name in _keep_active(space, values):
            for level in space.parameters[name].levels(self.points):
                if level == values[name]:
                    continue
                setting = _keep_active(space, {**values, name: level})
                if space.violated(setting) is None:
                    legal.append(setting)
                else:
                    illegal.append(f"{name}={level}")
        return legal, illegal


def _keep_active(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in space.active(values)}


def _middle(domain: Domain) -> Any:
    """The first choice, or the middle of a range's scale."""
    return domain.choices[0] if isinstance(domain, Choice) else domain.levels(1)[0]


def _say_ends(space: Space, baseline: Mapping[str, Any]) -> list[str]:
    """Say which parameters can be moved one way only."""
    at_end = []
    for name, value in baseline.items():
        domain = space.parameters[name]
        if isinstance(domain, Fixed) or (isinstance(domain, Choice) and not domain.ordered):
            continue
        ends = (
            (domain.levels()[0], domain.levels()[-1])
            if isinstance(domain, Choice)
            else (domain.low, domain.high)
        )
        if value in ends and domain.size() > 1:
            at_end.append(name)
    if not at_end:
        return []
    return [f"Moved in one direction only, for the baseline lies at an end: {listing(at_end)}."]
