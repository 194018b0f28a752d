"""Random settings under constraints: bounded and unbiased, however small the legal part.

To sample is to take one setting at random; to draw is to take several that belong together. Points of the
unit cube are taken and those that break a constraint dropped, so that what remains has the density of the
cube, restricted to the legal part. Where hardly any point is legal, `rare` takes over.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from search_spaces.core import Core
from search_spaces.domains import Setting
from search_spaces.errors import SpaceError, hint_name
from search_spaces.extras import needed_by

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from search_spaces.drawing.batch import Batch

Method: TypeAlias = Literal["random", "lhs", "sobol"]

MAX_TRIES = 200
"""Points of the whole cube that are tried for one setting before boxes are made."""

_MIN_BLOCK, _MAX_BLOCK = 16, 16_384


@dataclass(frozen=True)
class Draw:
    """Settings that were drawn together.

    Args:
        settings: As many as were asked for.
        acceptance_rate: Share of the cube's points that keep all constraints, as far as can be told from
            the points looked at, in (0, 1]; 1 without constraints.
    """

    settings: tuple[Setting, ...]
    acceptance_rate: float = 1.0


def sample(space: Core, rng: np.random.Generator) -> Setting:
    """One legal setting at random: uniform over each domain's scale, weights and normal ranges apart.

    Args:
        space: What to sample from.
        rng: The only source of randomness; asked more than once where constraints refuse a point.

    Raises:
        SpaceError: If no legal setting is found.
    """
    _check_rng(rng)
    n_dimensions = len(space.dimensions)
    for _ in range(MAX_TRIES if n_dimensions else 1):
        setting = space.from_unit(rng.random(n_dimensions).tolist())
        if space.violated(setting) is None:
            return setting
    return _take_rare(space, 1, rng).settings[0]


def draw(space: Core, n: int, rng: np.random.Generator, method: Method = "random") -> Draw:
    """Several settings at once, and the share of the cube that keeps the constraints.

    Args:
        space: What to draw from.
        n: How many.
        rng: The only source of randomness.
        method: `random`; `lhs`, a Latin hypercube, which spreads the values of each parameter evenly; or
            `sobol`, a scrambled Sobol sequence, which spreads them jointly (best for n a power of two).
            Under constraints the points that break one are dropped, which leaves gaps in the evenness; where
            hardly any point is legal, nothing of it is left, and all methods draw at random.

    Raises:
        SpaceError: If too few points are legal.
    """
    try:
        count = operator.index(n)
    except TypeError:
        count = -1
    if count < 0 or isinstance(n, bool):
        raise SpaceError(f"a draw has 0 settings or more, not {n!r}: give a whole number.")
    methods = {"random": _draw_random, "lhs": _draw_latin, "sobol": _draw_sobol}
    if method not in methods:
        raise SpaceError(f"{method!r} is no way to draw: {hint_name(str(method), methods)}")
    _check_rng(rng)
    if count == 0:
        return Draw(())
    if not space.dimensions:
        return _repeat_only_setting(space, count)
    drawn = methods[method](space, count, rng)
    return drawn or _take_rare(space, count, rng)


def _check_rng(rng: object) -> None:
    if not callable(getattr(rng, "permutation", None)) or not hasattr(rng, "bit_generator"):
        raise SpaceError(f"rng is a NumPy generator, not {rng!r}: give numpy.random.default_rng(0), say.")


def _repeat_only_setting(space: Core, n: int) -> Draw:
    setting = space.from_unit([])
    if space.violated(setting):
        from search_spaces.drawing.rare import empty_error

        raise empty_error(space)
    return Draw(tuple(dict(setting) for _ in range(n)))


Points: TypeAlias = "Callable[[int], npt.NDArray[Any]]"
"""Returns this many further points of the cube, or more, shape (n_points, n_dimensions)."""


def _draw_random(space: Core, n: int, rng: np.random.Generator) -> Draw | None:
    return _try(space, n, lambda size: rng.random((size, len(space.dimensions))))


def _draw_sobol(space: Core, n: int, rng: np.random.Generator) -> Draw | None:
    with needed_by('draw(method="sobol")'):
        from scipy.stats import qmc

    # seed, not rng: SciPy 1.14 knows no other name
    sequence = qmc.Sobol(len(space.dimensions), seed=rng)
    block = 2 ** math.ceil(math.log2(n))  # a power of two keeps the sequence balanced, and SciPy quiet
    return _try(space, n, lambda size: sequence.random(block))


def _try(space: Core, n: int, points: Points) -> Draw | None:
    """The first `n` legal settings of points of the whole cube; None where hardly any is legal."""
    settings: list[Setting] = []
    n_seen = 0
    while True:
        block = (n - len(settings)) * (n_seen + 1) // (len(settings) + 1)
        batch, legal = _judge(space, points(min(max(block, _MIN_BLOCK), _MAX_BLOCK)))
        wanted = legal[: n - len(settings)]
        settings += batch.list_settings(wanted)
        if len(settings) == n:
            return Draw(tuple(settings), n / (n_seen + int(wanted[-1]) + 1))
        n_seen += batch.n_rows
        if n_seen >= MAX_TRIES * (len(settings) + 1):
            return None


def _draw_latin(space: Core, n: int, rng: np.random.Generator) -> Draw | None:
    """A random part of the legal points of a hypercube that is large enough to leave `n` of them."""
    size = n
    while True:
        batch, legal = _judge(space, _take_latin(size, len(space.dimensions), rng))
        if len(legal) >= n:
            chosen = legal[rng.permutation(len(legal))[:n]]
            return Draw(tuple(batch.list_settings(chosen)), len(legal) / size)
        if size >= MAX_TRIES * (len(legal) + 1):
            return None
        size = max(2 * size, size * n // max(len(legal), 1))


def _take_latin(size: int, n_dimensions: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """A Latin hypercube, shape (size, n_dimensions): that of SciPy to the last bit, where SciPy is not.

    Source: McKay, Beckman and Conover (1979), Technometrics 21, 239-245.
    """
    import numpy as np

    own = rng.spawn(1)[0]
    within = own.uniform(size=(size, n_dimensions))
    strata = np.tile(np.arange(1, size + 1), (n_dimensions, 1))
    for row in strata:
        own.shuffle(row)
    return (strata.T - within) / size


def _judge(space: Core, points: npt.NDArray[Any]) -> tuple[Batch, npt.NDArray[Any]]:
    from search_spaces.drawing.batch import Batch

    batch = Batch(space, points)
    return batch, batch.find_legal()


def _take_rare(space: Core, n: int, rng: np.random.Generator) -> Draw:
    from search_spaces.drawing.rare import take_rare  # here, for only a rare legal part needs it

    settings, share = take_rare(space, n, rng)
    return Draw(tuple(settings), share)
