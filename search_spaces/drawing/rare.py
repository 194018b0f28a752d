"""Settings where hardly any point of the cube is legal: from boxes, from a list, or by walking.

Boxes that hold the legal part are split until enough of what they hold is legal; their points are as likely
as in the cube, and those that are illegal dropped. Where that does not help and the constrained values are
few enough, each legal combination becomes a box of its own. Where they are too many, a walk goes from legal
to legal (see `walking`). All three give each legal setting the chance that the cube gives it, relative to the
others; the walk does so only in the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from search_spaces.core import Core
from search_spaces.domains import Setting
from search_spaces.drawing.batch import Batch
from search_spaces.drawing.boxes import MAX_LISTED, Box, Boxes, Cover
from search_spaces.drawing.walking import Walk, find_starts
from search_spaces.errors import SpaceError

MAX_COMBINATIONS = 20_000_000
"""Most combinations of values that are gone through to list the legal ones."""

MAX_LISTED_IN_ALL = 5_000_000
"""Most values that a list of legal combinations holds."""

MAX_POINTS = 1_000_000
"""Points per setting that are taken from the boxes: fewer than about 1 in a million legal is an error."""

_N_BOXES, _N_BOXES_IN_VAIN = (256, 1024, 4096, 20_000), 4096
_N_PROBED, _MIN_SHARE = 1000, 0.02
_N_WALK_PROBED, _MIN_WALK_SHARE = 100_000, 3e-4
_MAX_BLOCK, _N_TOGETHER = 16_384, 100_000


@dataclass(frozen=True)
class Part:
    """Boxes that hold the legal part of a space, as arrays.

    Args:
        columns: The indices among `dimensions` of the parameters that boxes bound, shape (n_bounded,).
        ends: Where each box starts and ends, shape (n_boxes, n_bounded, 2).
        below: The volume of each box and those before it, shape (n_boxes,).
        walk: What goes from legal to legal, where points of the boxes are hardly ever legal.
        share: The share of the boxes that is legal, beside a walk.
    """

    columns: list[int]
    ends: npt.NDArray[Any]
    below: npt.NDArray[Any]
    walk: Walk | None = None
    share: float = 1.0

    def take(self, size: int, n_dimensions: int, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Points of the boxes, as likely everywhere, shape (size, n_dimensions)."""
        points = rng.random((size, n_dimensions))
        chosen = self.below.searchsorted(rng.random(size) * self.below[-1], side="right")
        low, high = np.moveaxis(self.ends[chosen.clip(max=len(self.below) - 1)], 2, 0)
        points[:, self.columns] = low + (high - low) * points[:, self.columns]
        return points


def take_rare(space: Core, n: int, rng: np.random.Generator) -> tuple[list[Setting], float]:
    """Legal settings, and the share of the cube that is legal.

    Raises:
        SpaceError: If the space is empty, or nothing legal is found.
    """
    part: Part = space.cache("legal part", lambda: _find_part(space))
    if part.walk is not None:
        points = rng.random((n, len(space.dimensions)))
        columns = [space.dimensions.index(name) for name in part.walk.core.dimensions]
        points[:, columns] = part.walk.take(n, rng)
        return Batch(space, points).list_settings(), part.share * min(float(part.below[-1]), 1.0)
    settings: list[Setting] = []
    n_seen = n_legal = 0
    block = max(2 * n, 64)
    while len(settings) < n:
        batch = Batch(space, part.take(min(block, _MAX_BLOCK), len(space.dimensions), rng))
        legal = batch.find_legal()
        n_seen, n_legal = n_seen + batch.n_rows, n_legal + len(legal)
        settings += batch.list_settings(legal[: n - len(settings)])
        if n_seen >= MAX_POINTS * (len(settings) + 1):
            raise rare_error(space)
        block *= 2
    return settings, min(float(part.below[-1]), 1.0) * n_legal / n_seen


def _find_part(space: Core) -> Part:
    """Boxes that are split until enough of what they hold is legal, a list, or a walk."""
    cover = Cover(space)
    for n_boxes in _N_BOXES:
        cover.refine(n_boxes)
        if not cover.members:
            raise empty_error(space)
        part = _as_part(space, cover.boxes, cover.members)
        share = 1.0 if cover.is_tight else _measure_share(space, part, _N_PROBED)
        if share >= _MIN_SHARE:
            return part
        if share == 0.0 and n_boxes >= _N_BOXES_IN_VAIN and not _is_listed(cover.members):
            break
    if part.columns and (listed := _list_legal(space, cover)):
        return listed
    share = _measure_share(space, part, _N_WALK_PROBED)
    if share >= _MIN_WALK_SHARE:
        return part
    core = restrict_to(space, cover.boxes.names)
    rng = np.random.default_rng(0)
    starts = find_starts(core, cover, rng)
    if not len(starts):
        raise rare_error(space)
    return replace(part, walk=Walk(core, starts).mix(rng), share=max(share, 0.5 / _N_WALK_PROBED))


def _measure_share(space: Core, part: Part, n_points: int) -> float:
    """The share of the boxes that is legal, as far as some points show."""
    points = part.take(n_points, len(space.dimensions), np.random.default_rng(0))
    return len(Batch(space, points).find_legal()) / n_points


def _as_part(space: Core, boxes: Boxes, members: list[Box]) -> Part:
    bounded = [index for index, name in enumerate(boxes.names) if name in space.dimensions]
    ends = [[boxes.units(index, box[index]) for index in bounded] for box in members]
    array = np.array(ends, np.float64).reshape(len(ends), len(bounded), 2)
    return _make_part([space.dimensions.index(boxes.names[index]) for index in bounded], array)


def _make_part(columns: list[int], ends: npt.NDArray[Any]) -> Part:
    return Part(columns, ends, np.cumsum(np.prod(ends[:, :, 1] - ends[:, :, 0], axis=1)))


# ---- lists


def _list_legal(space: Core, cover: Cover) -> Part | None:
    """A box for each legal combination; None where the combinations cannot be gone through.

    Raises:
        SpaceError: If none is legal.
    """
    boxes, pending = cover.boxes, cover.members
    if not _is_listed(pending):
        return None
    listed = Listed(restrict_to(space, boxes.names), boxes, pending)
    while pending:
        box = pending.pop()
        if _count_combinations(box) > MAX_LISTED:
            wide = tuple(name for name, (low, high) in zip(boxes.names, box, strict=True) if high - low > 1)
            pending += boxes.split(box, wide)
        else:
            listed.add(box)
        if listed.n_legal * len(listed.names) > MAX_LISTED_IN_ALL:
            return None
    cells = listed.finish()
    if not len(cells):
        raise empty_error(space)
    return _make_part([space.dimensions.index(name) for name in listed.names], cells)


def _is_listed(members: list[Box]) -> bool:
    """Whether the combinations in boxes are few enough to be gone through."""
    return sum(map(_count_combinations, members)) <= MAX_COMBINATIONS


def _count_combinations(box: Box) -> float:
    """The combinations of values in a box; infinite where one is continuous."""
    return math.prod(high - low if isinstance(low, int) else math.inf for low, high in box)


class Listed:
    """The legal combinations of boxes of few.

    Args:
        core: The constrained parameters, and the constraints.
        boxes: What judges boxes of them.
        members: Boxes that hold all those that are added.
    """

    def __init__(self, core: Core, boxes: Boxes, members: list[Box]) -> None:
        self.names = core.dimensions
        self.n_legal = 0
        self._core = core
        self._indices = [boxes.names.index(name) for name in core.dimensions]
        self._first = [min(int(box[index][0]) for box in members) for index in self._indices]
        last = [max(int(box[index][1]) for box in members) for index in self._indices]
        self._edges = [
            np.array([core.parameters[name].edge(k) for k in range(start, end + 1)])
            for name, start, end in zip(core.dimensions, self._first, last, strict=True)
        ]
        self._waiting: list[npt.NDArray[Any]] = []
        self._n_waiting = 0
        self._cells: list[npt.NDArray[Any]] = [np.empty((0, len(self.names), 2))]

    def add(self, box: Box) -> None:
        """Take a box, to be gone through together with others."""
        counts = [int(box[index][1] - box[index][0]) for index in self._indices]
        starts = [int(box[index][0]) - first for index, first in zip(self._indices, self._first, strict=True)]
        levels = np.indices(counts).reshape(len(counts), -1).T + np.array(starts)
        self._waiting.append(levels)
        self._n_waiting += len(levels)
        if self._n_waiting >= _N_TOGETHER:
            self._go_through()

    def finish(self) -> npt.NDArray[Any]:
        """Where each legal combination starts and ends on the scales, shape (n_legal, n_dimensions, 2)."""
        self._go_through()
        return np.concatenate(self._cells)

    def _go_through(self) -> None:
        if not self._waiting:
            return
        levels = np.concatenate(self._waiting)
        cells = np.stack(
            [np.stack([edge[k], edge[k + 1]], axis=1) for edge, k in zip(self._edges, levels.T, strict=True)],
            axis=1,
        )
        legal = cells[Batch(self._core, cells.mean(axis=2)).find_legal()]
        self._cells.append(legal)
        self.n_legal += len(legal)
        self._waiting, self._n_waiting = [], 0


def restrict_to(space: Core, names: tuple[str, ...]) -> Core:
    """The space of some parameters, with all that decides whether these apply, and the constraints."""
    return Core(
        {name: domain for name, domain in space.parameters.items() if name in names},
        {name: condition for name, condition in space.conditions.items() if name in names},
        space.constraints,
    )


def _write_constraints(space: Core) -> str:
    return " and ".join(repr(constraint.text) for constraint in space.constraints)


def empty_error(space: Core) -> SpaceError:
    """What is raised where nothing at all is legal."""
    constraints = _write_constraints(space)
    return SpaceError(f"the space is empty: no setting at all satisfies {constraints}: loosen one of them.")


def rare_error(space: Core) -> SpaceError:
    """What is raised where nothing legal is found."""
    return SpaceError(
        f"hardly a point near the legal part satisfies {_write_constraints(space)}: restrict the domains to "
        "where they hold, give continuous ones a step, or loosen a constraint."
    )
