"""A walk from legal to legal: along lines through the unit cube, to any legal point of the line alike.

The cube's density on the legal part is kept by each step, so that points are uniform there after enough of
them, whatever scales, weights and steps make of the cube; where the legal part falls into pieces that no line
along a few parameters joins, that may take long. Lines run along one parameter, from one to another (which
keeps sums, and products on log scales), and along some at random.

Source: hit-and-run, Smith (1984), Operations Research 32, 1296-1308; the point of a line by shrinking towards
the present one, Neal (2003), Annals of Statistics 31, 705-767, section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from search_spaces.core import Core
from search_spaces.domains import Domain, Integer, Real, name_density
from search_spaces.drawing.batch import Batch
from search_spaces.drawing.boxes import Box, Boxes, Cover

N_STARTS = 16
"""Legal points that are looked for, far apart."""

N_MIXED = 128
"""Legal points that walks set out from, each at the end of a walk from one of the former."""

_STEPS, _STEPS_EACH = 40, 12
_MAX_SHRINKS = 40
_MAX_NODES, _MAX_NODES_IN_ALL = 5_000, 15_000
_MAX_BEGUN = 200


@dataclass(frozen=True)
class Walk:
    """What takes points of the legal part.

    Args:
        core: The constrained parameters, and the constraints.
        starts: Legal points in its cube, shape (n_starts, n_dimensions).
    """

    core: Core
    starts: npt.NDArray[Any]

    def take(self, n: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Legal points, each at the end of a walk of its own, shape (n, n_dimensions)."""
        return self._go(n, (_STEPS + _STEPS_EACH * len(self.core.dimensions)) // 2, rng)

    def mix(self, rng: np.random.Generator) -> Walk:
        """The walk with more starts, which are uniform on the legal part already."""
        return Walk(self.core, self._go(N_MIXED, _STEPS + _STEPS_EACH * len(self.core.dimensions), rng))

    def _go(self, n: int, n_steps: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        points = self.starts[rng.integers(len(self.starts), size=n)]
        domains = [self.core.parameters[name] for name in self.core.dimensions]
        spans, sizes = np.array(list(map(_span, domains))), np.array(list(map(_count_shares, domains)))
        for _ in range(n_steps):
            points = self._step(points, _choose_lines(n, spans, rng), rng)
            # anywhere within the share of the same level: lines from there cross other levels together
            within = (np.minimum(np.floor(points * sizes), sizes - 1) + rng.random(points.shape)) / sizes
            points = np.where(sizes > 1, within, points)
        return points

    def _step(
        self, points: npt.NDArray[Any], lines: npt.NDArray[Any], rng: np.random.Generator
    ) -> npt.NDArray[Any]:
        """Another legal point of the line through each point, or the same where none is found."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.stack([-points / lines, (1.0 - points) / lines])
        ends = np.where(lines == 0.0, np.array([-math.inf, math.inf])[:, None, None], np.sort(ends, axis=0))
        low, high = ends[0].max(axis=1), ends[1].min(axis=1)
        moved = points.copy()
        left = np.arange(len(points))
        for _ in range(_MAX_SHRINKS):
            far = low[left] + (high[left] - low[left]) * rng.random(len(left))
            tried = (points[left] + far[:, None] * lines[left]).clip(0.0, 1.0)
            is_legal = np.zeros(len(left), bool)
            is_legal[Batch(self.core, tried).find_legal()] = True
            moved[left[is_legal]] = tried[is_legal]
            left, far = left[~is_legal], far[~is_legal]
            if not len(left):
                break
            low[left] = np.where(far < 0, far, low[left])
            high[left] = np.where(far < 0, high[left], far)
        return moved


def _span(domain: Domain) -> float:
    """How far a scale reaches from end to end, in numbers or their logarithms."""
    if isinstance(domain, Integer | Real) and domain.mean is None:
        if domain.log:
            return math.log(domain.high / domain.low) or 1.0
        width = domain.step if domain.step is not None else 0  # levels have shares of half a step beyond
        return float(domain.high - domain.low + width) or 1.0
    return 1.0


def _count_shares(domain: Domain) -> float:
    """The number of levels, where all have the same share of the scale; 1 for others."""
    is_even = name_density(domain) is None and not (isinstance(domain, Integer) and domain.log)
    return float(domain.size()) if is_even and math.isfinite(domain.size()) else 1.0


def _choose_lines(n: int, spans: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
    """A direction for each of `n` points, shape (n, n_dimensions)."""
    n_dimensions = len(spans)
    lines = np.zeros((n, n_dimensions))
    order = rng.random((n, n_dimensions)).argsort(axis=1)
    rows = np.arange(n)
    kind = rng.random(n)
    lines[rows, order[:, 0]] = 1.0
    if n_dimensions == 1:
        return lines
    first, second = order[:, 0], order[:, 1]
    between = kind > 0.15
    sign = np.where(rng.random(n) < 0.75, -1.0, 1.0)
    lines[rows[between], first[between]] = (1.0 / spans[first])[between]
    lines[rows[between], second[between]] = (sign / spans[second])[between]
    n_some = rng.integers(2, min(n_dimensions, 4) + 1, size=n)
    n_some[rng.random(n) < 0.2] = n_dimensions
    some = rng.standard_normal((n, n_dimensions)) * (order.argsort(axis=1) < n_some[:, None])
    at_random = kind > 0.8
    lines[at_random] = some[at_random]
    return lines


def find_starts(core: Core, cover: Cover, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Legal points found by splitting boxes at random, shape (n_found, n_dimensions).

    Args:
        core: The constrained parameters, and the constraints.
        cover: Boxes around its legal part.
        rng: What chooses between halves.
    """
    members = cover.members
    volumes = np.array([cover.boxes.volume(box) for box in members])
    found: list[list[float]] = []
    n_nodes = 0
    while len(found) < N_STARTS and n_nodes < _MAX_NODES_IN_ALL:
        order = rng.choice(len(members), size=min(len(members), _MAX_BEGUN), p=volumes / volumes.sum())
        point, n_seen = _dive(core, cover.boxes, [members[i] for i in order], rng)
        n_nodes += n_seen
        if point is not None:
            found.append(point)
    return np.array(found)


def _dive(
    core: Core, boxes: Boxes, pending: list[Box], rng: np.random.Generator
) -> tuple[list[float] | None, int]:
    """A legal point, found by going into one half of a box after another, and the boxes looked at."""
    for n_seen in range(1, _MAX_NODES + 1):
        if not pending:
            return None, n_seen
        box = pending.pop()
        verdict = boxes.judge(box)
        if verdict is None:
            continue
        if verdict.to_split and not verdict.is_legal:
            one, other = boxes.split(box, verdict.to_split)
            pending += (one, other) if rng.random() < 0.5 else (other, one)
            continue
        units = {name: boxes.units(index, box[index]) for index, name in enumerate(boxes.names)}
        drawn = {name: low + (high - low) * rng.random() for name, (low, high) in units.items()}
        point = [float(drawn[name]) for name in core.dimensions]
        if verdict.is_legal or core.violated(core.from_unit(point)) is None:
            return point, n_seen
    return None, _MAX_NODES
