"""Spaces for Ray Tune's `param_space`, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, assert_never

import numpy as np

from search_spaces.adapters.densities import refuse_density
from search_spaces.adapters.ray_search import OptunaSpaceSearch
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Setting, name_density
from search_spaces.domains.codec import as_domain
from search_spaces.domains.scalars import as_scalar
from search_spaces.errors import SpaceError, located
from search_spaces.extras import needed_by
from search_spaces.formats.reading import make_multiples, make_normal
from search_spaces.nesting import nest
from search_spaces.space import Space

with needed_by(__name__):
    from ray import tune
    from ray.tune.search import sample as ray_domains

__all__ = [
    "JointDraw",
    "Levels",
    "OptunaSpaceSearch",
    "from_param_space",
    "param_space",
    "to_ray",
]


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
        self._setting: Setting = {}

    def give(self, name: str) -> Any:
        """The value of `name` in the current setting; None where it is inactive."""
        if name in self._given:
            self._setting = self._space.sample(self._rng)
            self._given = set()
        self._given.add(name)
        return self._setting.get(name)

    def giver(self, name: str) -> Callable[[], Any]:
        """`give` for one name, of the form that `tune.sample_from` takes."""

        # A function, not a partial: Tune copies the whole space deeply for each trial, which leaves functions
        # alone but would copy the generator along with a partial, and draw the same setting for ever.
        def give() -> Any:
            return self.give(name)

        return give


def param_space(space: Space, seed: int | None = None, *, nested: bool = False) -> dict[str, Any]:
    """The space for `tune.Tuner(param_space=...)`.

    A space without conditions, constraints, weights and normal ranges becomes Ray's own domains, which any of
    Ray's search algorithms understands. One with them becomes `tune.sample_from` functions that draw whole
    legal settings, for random search alone; inactive parameters are None there, and `Space.complete(config)`
    drops them. For a search that learns, see `OptunaSpaceSearch`.

    Args:
        space: What to search.
        seed: Of those functions; Ray's own domains are drawn under the seed that Ray is given.
        nested: Whether names with dots become nested dicts, which `Space.complete` reads, too.

    Raises:
        SpaceError: If a step makes more levels than Ray can list.
    """
    Space.require(space)
    is_plain = not space.conditions and not space.constraints
    if is_plain and not any(map(name_density, space.parameters.values())):
        flat = {name: _to_ray(name, domain) for name, domain in space.parameters.items()}
        return nest(flat) if nested else flat
    draw = JointDraw(space, seed)
    flat = {
        name: domain.value
        if isinstance(domain, Fixed) and name not in space.conditions
        else tune.sample_from(draw.giver(name))
        for name, domain in space.parameters.items()
    }
    return nest(flat) if nested else flat


def _to_ray(name: str, domain: Domain) -> Any:
    with located(prefix=f"{name}: "):
        return to_ray(domain)


def to_ray(domain: Domain) -> Any:
    """Ray's domain with the same values, or the value itself if it is fixed.

    Raises:
        SpaceError: If some values are likelier than others, or a step makes more levels than Ray can list.
    """
    refuse_density(domain, "Ray")
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
    """The space of a `param_space` of ranges (quantized ones, too), choices, grids and plain values.

    Nested dicts become names with dots. What Ray draws and rounds to a multiple of q becomes levels, of which
    Ray draws the first and the last half as often as the others in `quniform`; on a log scale, a choice in
    order with Ray's shares for weights. `randn` has no ends, and is cut at eight standard deviations.

    Raises:
        SpaceError: If a domain has no counterpart, a computed one say.
    """
    return Space({name: _from_ray(name, value) for name, value in _walk(param_space, "")})


def _walk(param_space: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in param_space.items():
        if isinstance(value, Mapping) and set(value) != {"grid_search"}:
            yield from _walk(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _from_ray(name: str, value: Any) -> Domain:
    with located(prefix=f"{name}: "):
        if isinstance(value, Levels):
            return value.domain
        if isinstance(value, ray_domains.Categorical):
            return Choice(value.categories)
        if isinstance(value, dict) and set(value) == {"grid_search"}:
            return Choice(value["grid_search"])
        if isinstance(value, ray_domains.Domain) and (domain := _from_range(value)):
            return domain
        if isinstance(as_scalar(value), str | int | float | bool | None):
            return Fixed(value)
        raise SpaceError(
            f"{value!r} has no counterpart here: use uniform, loguniform, randint, lograndint, randn, "
            "their quantized forms, or choice."
        )


def _from_range(value: Any) -> Domain | None:
    """The domain with a range's values; None where there is none."""
    sampler, step = value.get_sampler(), None
    if isinstance(sampler, ray_domains.Quantized):
        sampler, step = sampler.get_sampler(), sampler.q
    whole = isinstance(value, ray_domains.Integer)
    if isinstance(sampler, ray_domains.Normal):
        return as_domain(make_normal(sampler.mean, sampler.sd, step=step))
    log = isinstance(sampler, ray_domains.LogUniform)
    if not log and not isinstance(sampler, ray_domains.Uniform):
        return None
    low, high = value.lower, value.upper
    if step is not None and not (whole and step == 1):
        # Ray draws which multiple an integer is, as it draws integers: k has the share of [k, k + 1)
        return as_domain(make_multiples(low, high, step, whole=whole, log=log, floored=whole))
    return Integer(low, high - 1, log=log) if whole else Real(low, high, log=log)
