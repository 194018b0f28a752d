"""Random settings under constraints: bounded, unbiased, and frank about how many points were refused.

Points of the unit cube are drawn and those that break a constraint dropped, so that what remains has the
density of the cube, restricted to the legal part. `Draw.acceptance_rate` says how large that part is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from search_spaces.core import Core
from search_spaces.domains import Scalar
from search_spaces.enumeration import walk_settings
from search_spaces.errors import SpaceError, hint_name

if TYPE_CHECKING:
    import numpy as np


Method: TypeAlias = Literal["random", "lhs", "sobol"]

MAX_POINTS = 10_000
"""Points per setting that may be drawn: a legal part below about 1 in 10,000 is an error, not a long wait."""

MAX_EXAMINED = 100_000
"""Largest space that is gone through to see whether it is empty."""


@dataclass(frozen=True)
class Draw:
    """Settings drawn together.

    Args:
        settings: As many as were asked for.
        n_points: Points of the cube that were looked at.
        n_legal: Those of them that kept all constraints.
    """

    settings: tuple[dict[str, Scalar], ...]
    n_points: int
    n_legal: int

    @property
    def acceptance_rate(self) -> float:
        """Share of points that kept all constraints, in (0, 1]; 1 without constraints."""
        return self.n_legal / self.n_points if self.n_points else 1.0


def sample(space: Core, rng: np.random.Generator) -> dict[str, Scalar]:
    """One random setting: uniform over each domain's scale, among the legal ones.

    Args:
        space: What to draw from.
        rng: The only source of randomness; drawn from more than once where constraints refuse a draw.

    Raises:
        SpaceError: If no legal setting is found.
    """
    return _sample_random(space, 1, rng).settings[0]


def draw(space: Core, n: int, rng: np.random.Generator, method: Method = "random") -> Draw:
    """Several settings at once, and the share of draws that kept the constraints.

    Args:
        space: What to draw from.
        n: How many.
        rng: The only source of randomness.
        method: `random`; `lhs`, a Latin hypercube, which spreads the values of each parameter evenly; or
            `sobol`, a scrambled Sobol sequence, which spreads them jointly (best for n a power of two).
            Under constraints the points that break one are dropped, which leaves gaps in the evenness.

    Raises:
        SpaceError: If too few draws are legal.
    """
    if type(n) is not int or n < 0:
        raise SpaceError(f"a sample has 0 settings or more, not {n!r}: give a whole number.")
    methods: dict[str, Callable[[Core, int, np.random.Generator], Draw]] = {
        "random": _sample_random,
        "lhs": _sample_latin,
        "sobol": _sample_sobol,
    }
    if method not in methods:
        raise SpaceError(f"{method!r} is no way to sample: {hint_name(str(method), methods)}")
    if n == 0 or not space.dimensions:
        return _repeat_only_setting(space, n)
    return methods[method](space, n, rng)


def _repeat_only_setting(space: Core, n: int) -> Draw:
    if n == 0:
        return Draw((), 0, 0)
    setting = _legal(space, [])
    if setting is None:
        raise _empty(space, 1, 0)
    return Draw(tuple(dict(setting) for _ in range(n)), n, n)


def _sample_random(space: Core, n: int, rng: np.random.Generator) -> Draw:
    n_dimensions = len(space.dimensions)
    return _collect(space, n, lambda: rng.random((1, n_dimensions)).tolist())


def _sample_sobol(space: Core, n: int, rng: np.random.Generator) -> Draw:
    from scipy.stats import qmc

    # seed, not rng: SciPy 1.14 knows no other name
    sequence = qmc.Sobol(len(space.dimensions), seed=rng)
    block = 2 ** math.ceil(math.log2(n))  # a power of two keeps the sequence balanced, and SciPy quiet
    return _collect(space, n, lambda: sequence.random(block).tolist())


def _collect(space: Core, n: int, points: Callable[[], list[list[float]]]) -> Draw:
    """The first `n` legal settings of endlessly many points."""
    settings: list[dict[str, Scalar]] = []
    n_points = 0
    while True:
        for point in points():
            n_points += 1
            setting = _legal(space, point)
            if setting is not None:
                settings.append(setting)
                if len(settings) == n:
                    return Draw(tuple(settings), n_points, n)
            elif n_points >= MAX_POINTS * (len(settings) + 1):
                raise _empty(space, n_points, len(settings))


def _sample_latin(space: Core, n: int, rng: np.random.Generator) -> Draw:
    """A random part of the legal points of a hypercube that is large enough to leave `n` of them."""
    from scipy.stats import qmc

    size = n
    while True:
        points = qmc.LatinHypercube(len(space.dimensions), seed=rng).random(size).tolist()
        legal = [setting for point in points if (setting := _legal(space, point)) is not None]
        if len(legal) >= n:
            chosen = rng.permutation(len(legal))[:n].tolist()
            return Draw(tuple(legal[i] for i in chosen), size, len(legal))
        if size >= MAX_POINTS * (len(legal) + 1):
            raise _empty(space, size, len(legal))
        size = max(2 * size, size * n // max(len(legal), 1))


def _legal(space: Core, point: list[float]) -> dict[str, Scalar] | None:
    setting = space.from_unit(point)
    return setting if space.violated(setting) is None else None


def _empty(space: Core, n_points: int, n_legal: int) -> SpaceError:
    """What to say when (almost) nothing is legal: that nothing is, if the space can be gone through."""
    constraints = " and ".join(repr(constraint.text) for constraint in space.constraints)
    if math.prod(domain.size() for domain in space.parameters.values()) <= MAX_EXAMINED:
        values = {name: domain.levels() for name, domain in space.parameters.items()}
        if next(walk_settings(space, space.order, values), None) is None:
            return SpaceError(
                f"the space is empty: no setting at all satisfies {constraints}: loosen one of them."
            )
    return SpaceError(
        f"{n_legal} of {n_points} draws satisfy {constraints}: restrict the domains to where they hold, "
        "or loosen one of them."
    )
