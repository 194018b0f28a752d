"""Spaces for Ray Tune's `param_space`, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never

import numpy as np
from ray import tune
from ray.tune.search import sample as ray_domains

from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Scalar
from search_spaces.errors import SpaceError, located
from search_spaces.scalars import as_scalar
from search_spaces.space import Space


class Levels(ray_domains.Categorical):  # type: ignore[misc]
    """A categorical that remembers whose values it lists: steps and order are foreign to Ray's own.

    `tune.quniform` and `tune.qrandint` want bounds that are multiples of the step, and a real's ends
    would have half the chance of the values between.
    """

    def __init__(self, domain: Choice | Integer | Real) -> None:
        super().__init__(domain.levels())
        self.domain = domain


class JointDraw:
    """Draws whole settings, and hands out their parameters one by one.

    Ray resolves each parameter of a trial once, in its own order; one asked for again means the next trial.
    """

    def __init__(self, space: Space, seed: int | None) -> None:
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._given: set[str] = set(space.parameters)
        self._setting: dict[str, Scalar] = {}

    def give(self, name: str) -> Scalar:
        """The value of `name` in the current setting; None where it is inactive."""
        if name in self._given:
            self._setting = self._space.sample(self._rng)
            self._given = set()
        self._given.add(name)
        return self._setting.get(name)

    def giver(self, name: str) -> Callable[[], Scalar]:
        """`give` for one name, of the form that `tune.sample_from` takes."""

        # A function, not a partial: Tune copies the whole space deeply for each trial, which leaves functions
        # alone but would copy the generator along with a partial, and draw the same setting for ever.
        def give() -> Scalar:
            return self.give(name)

        return give


def param_space(space: Space, seed: int | None = None) -> dict[str, Any]:
    """The space for `tune.Tuner(param_space=...)`.

    A space without conditions and constraints becomes Ray's own domains, which any of Ray's search algorithms
    understands. One with them becomes `tune.sample_from` functions that draw whole legal settings, for random
    search alone; inactive parameters are None there, and `Space.complete(config)` drops them.

    Args:
        space: What to search.
        seed: Of those functions; Ray's own domains are drawn under the seed that Ray is given.

    Raises:
        SpaceError: If a step makes more levels than Ray can list.
    """
    if not space.conditions and not space.constraints:
        return {name: _to_ray(name, domain) for name, domain in space.parameters.items()}
    draw = JointDraw(space, seed)
    return {
        name: domain.value
        if isinstance(domain, Fixed) and name not in space.conditions
        else tune.sample_from(draw.giver(name))
        for name, domain in space.parameters.items()
    }


def _to_ray(name: str, domain: Domain) -> Any:
    with located(prefix=f"{name}: "):
        return to_ray(domain)


def to_ray(domain: Domain) -> Any:
    """Ray's domain with the same values, or the value itself if it is fixed."""
    match domain:
        case Fixed(value):
            return value
        case Choice(choices):
            return Levels(domain) if domain.ordered else tune.choice(list(choices))
        case Integer(low, high):
            if domain.step != 1:
                return Levels(domain)
            return (tune.lograndint if domain.log else tune.randint)(
                low, high + 1
            )  # Ray leaves out the upper end
        case Real(low, high):
            if domain.step is not None or low == high:
                return Levels(domain)
            return (tune.loguniform if domain.log else tune.uniform)(low, high)
        case _:
            assert_never(domain)


def from_param_space(param_space: Mapping[str, Any]) -> Space:
    """The space of a `param_space` of uniform and log-uniform domains, choices, grids and plain values.

    Raises:
        SpaceError: If a domain has no counterpart (normal, quantized or computed), or is nested.
    """
    return Space({name: _from_ray(name, value) for name, value in param_space.items()})


def _from_ray(name: str, value: Any) -> Domain:
    if isinstance(value, Levels):
        return value.domain
    if isinstance(value, ray_domains.Categorical):
        return Choice(value.categories)
    if isinstance(value, dict) and set(value) == {"grid_search"}:
        return Choice(value["grid_search"])
    sampler = value.get_sampler() if isinstance(value, ray_domains.Domain) else None
    log = isinstance(sampler, ray_domains.LogUniform)
    if log or isinstance(sampler, ray_domains.Uniform):
        if isinstance(value, ray_domains.Integer):
            return Integer(value.lower, value.upper - 1, log=log)
        return Real(value.lower, value.upper, log=log)
    if sampler is None and isinstance(as_scalar(value), str | int | float | bool | None):
        return Fixed(value)
    raise SpaceError(
        f"{name}: {value!r} has no counterpart here: use uniform, loguniform, randint, lograndint or choice."
    )
