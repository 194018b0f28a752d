"""The legal part of a space as boxes: found by splitting, dropping what no setting can be legal in.

A box gives each parameter that constraints speak of a range of levels, or of coordinates where it is
continuous. Boxes are how settings are counted without being listed, how a space is known to be empty, and
where settings are drawn from when one point of the cube in thousands is legal.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from search_spaces.core import Core
from search_spaces.domains import Integer, Real
from search_spaces.domains.exact import exact
from search_spaces.expressions import Expression
from search_spaces.expressions.bounds import FALSE, TRUE, Span, bound_statement, span_values

Range: TypeAlias = tuple[int, int] | tuple[float, float]
"""Levels from the first up to the second, which is not included; or coordinates."""

Box: TypeAlias = tuple[Range, ...]

MAX_LISTED = 20_000
"""Most settings of a box that are gone through instead of splitting it further."""

MAX_LISTED_IN_ALL = 1_200_000
"""Most settings that are gone through for a count."""

MAX_COUNTED = 200_000
"""Most boxes that are looked at for a count."""

_MIN_WIDTH = 1e-9
_MAX_LISTED = 32


@dataclass(frozen=True)
class Verdict:
    """What is known of the settings in a box.

    Args:
        is_legal: Whether all are.
        active: The parameters that apply in all of them.
        to_split: Those whose ranges leave something undecided; none where nothing is.
    """

    is_legal: bool
    active: frozenset[str]
    to_split: tuple[str, ...]


class Boxes:
    """Boxes over some parameters of a space, and the constraints that speak of these alone.

    Args:
        core: The space.
        names: The parameters, and with each those that its condition mentions.
        constraints: What is legal.
        decide_activity: Whether a box is split until it is clear which parameters apply, for counting.
    """

    def __init__(
        self,
        core: Core,
        names: Iterable[str],
        constraints: Iterable[Expression],
        decide_activity: bool = False,
    ) -> None:
        wanted = set(names)
        self.names = tuple(name for name in core.order if name in wanted)
        self._domains = [core.parameters[name] for name in self.names]
        self._conditions = {
            name: bound_statement(core.conditions[name].node)
            for name in self.names
            if name in core.conditions
        }
        self._mentioned = {name: core.conditions[name].names for name in self._conditions}
        self._constraints = [(bound_statement(c.node), c.names) for c in constraints]
        self._decides_activity = decide_activity
        self._indices = {name: index for index, name in enumerate(self.names)}
        self._spans: dict[tuple[int, Range], Span] = {}
        self._widths: dict[tuple[int, Range], float] = {}

    @property
    def whole(self) -> Box:
        """The box of all settings."""
        return tuple((0, int(d.size())) if math.isfinite(d.size()) else (0.0, 1.0) for d in self._domains)

    def judge(self, box: Box) -> Verdict | None:
        """What is known of a box; None where no setting in it is legal."""
        spans: dict[str, Span] = {}
        active, doubtful = set(), []
        for index, name in enumerate(self.names):
            truth = self._conditions[name](spans) if name in self._conditions else TRUE
            if not truth & TRUE:
                continue
            span = self._span(index, box[index])
            if truth == TRUE:
                active.add(name)
            else:
                doubtful.append(name)
                span = Span(span.low, span.high, span.values, is_open=True)
            spans[name] = span
        undecided: list[str] = []
        for bound, names in self._constraints:
            truth = bound(spans)
            if truth == FALSE:
                return None
            if truth & FALSE:
                undecided += [name for name in names if name in spans]
        is_legal = not undecided
        if self._decides_activity:
            undecided += doubtful
        return Verdict(is_legal, frozenset(active), self._splittable(undecided, active, box))

    def _splittable(self, names: list[str], active: set[str], box: Box) -> tuple[str, ...]:
        """The active ones of `names`, and in place of the doubtful ones what decides them."""
        found: dict[str, None] = {}
        seen = set()
        while names:
            name = names.pop()
            if name in seen:
                continue
            seen.add(name)
            if name not in active:
                names += self._mentioned.get(name, ())
            elif self._can_split(box[self._indices[name]]):
                found[name] = None
        return tuple(found)

    @staticmethod
    def _can_split(ends: Range) -> bool:
        low, high = ends
        return high - low > (1 if isinstance(low, int) else _MIN_WIDTH)

    def split(self, box: Box, names: tuple[str, ...]) -> tuple[Box, Box]:
        """The two halves of a box along the widest of `names`."""
        index = max((self._indices[name] for name in names), key=lambda p: (self.width(p, box[p]), -p))
        low, high = box[index]
        middle: Any = (low + high) // 2 if isinstance(low, int) else (low + high) / 2
        return (*box[:index], (low, middle), *box[index + 1 :]), (
            *box[:index],
            (middle, high),
            *box[index + 1 :],
        )

    def width(self, index: int, ends: Range) -> float:
        """The share of the scale within a range."""
        width = self._widths.get((index, ends))
        if width is None:
            low, high = self.units(index, ends)
            width = self._widths[index, ends] = high - low
        return width

    def units(self, index: int, ends: Range) -> tuple[float, float]:
        """Where a range starts and ends on the scale, in [0, 1]."""
        low, high = ends
        if isinstance(low, int):
            domain = self._domains[index]
            return domain.edge(low), domain.edge(int(high))
        return low, high

    def volume(self, box: Box) -> float:
        """The share of the cube within a box."""
        return math.prod(self.width(index, ends) for index, ends in enumerate(box))

    def _span(self, index: int, ends: Range) -> Span:
        key = (index, ends)
        span = self._spans.get(key)
        if span is None:
            span = self._spans[key] = self._make_span(index, ends)
        return span

    def _make_span(self, index: int, ends: Range) -> Span:
        domain, (low, high) = self._domains[index], ends
        if isinstance(low, int):
            if isinstance(domain, (Integer, Real)) and high - low > _MAX_LISTED:
                return Span(exact(domain.level(low)), exact(domain.level(int(high) - 1)))
            return span_values([domain.level(k) for k in range(low, int(high))])
        return Span(exact(domain.from_unit(low)), exact(domain.from_unit(high)))


def find_groups(core: Core) -> Iterator[tuple[list[str], list[Expression]]]:
    """The parameters that expressions tie together, group by group, and the constraints on each group."""
    expressions = [({name, *e.names}, None) for name, e in core.conditions.items()]
    expressions += [(set(e.names), e) for e in core.constraints]  # type: ignore[misc]
    groups: list[tuple[set[str], list[Expression]]] = []
    for names, constraint in expressions:
        joined, constraints = set(names), [constraint] if constraint else []
        apart = []
        for group in groups:
            if group[0] & joined:
                joined |= group[0]
                constraints += group[1]
            else:
                apart.append(group)
        groups = [*apart, (joined, constraints)]
    for names, constraints in groups:
        yield [name for name in core.parameters if name in names], constraints


def find_constrained(core: Core) -> list[str]:
    """The parameters that constraints mention, and those that decide whether these apply."""
    found: set[str] = set()
    names = [name for constraint in core.constraints for name in constraint.names]
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += core.conditions[name].names if name in core.conditions else ()
    return [name for name in core.parameters if name in found]


class Cover:
    """Boxes that hold all legal settings of a space, split further and further.

    Args:
        core: The space.
    """

    def __init__(self, core: Core) -> None:
        self.boxes = Boxes(core, find_constrained(core), core.constraints)
        self._done: list[Box] = []
        self._heap: list[tuple[float, int, Box, tuple[str, ...]]] = []
        self._done_volume = self._open_volume = 0.0
        self._n_made = 0
        self._add(self.boxes.whole)

    @property
    def members(self) -> list[Box]:
        """The boxes, none of them without legal settings as far as is known."""
        return [*self._done, *(entry[2] for entry in self._heap)]

    @property
    def is_tight(self) -> bool:
        """Whether half of what the boxes hold is known to be legal, or none can be split further."""
        return not self._heap or self._open_volume <= self._done_volume

    def refine(self, n_boxes: int) -> None:
        """Split the largest boxes until they are tight, or `n_boxes` have been made in all."""
        while not self.is_tight and self._n_made < n_boxes:
            volume, _, box, names = heapq.heappop(self._heap)
            self._open_volume += volume
            for half in self.boxes.split(box, names):
                self._add(half)

    def _add(self, box: Box) -> None:
        self._n_made += 1
        verdict = self.boxes.judge(box)
        if verdict is None:
            return
        volume = self.boxes.volume(box)
        if verdict.to_split and not verdict.is_legal:
            heapq.heappush(self._heap, (-volume, self._n_made, box, verdict.to_split))
            self._open_volume += volume
            return
        self._done.append(box)
        if verdict.is_legal:
            self._done_volume += volume


def count_group(core: Core, names: list[str], constraints: list[Expression]) -> int | float | None:
    """The number of legal settings of a group of parameters; None where that takes too many boxes.

    Infinite as soon as a continuous parameter applies somewhere.
    """
    boxes = Boxes(core, names, constraints, decide_activity=True)
    total, n_seen, n_listed = 0, 0, 0
    pending = [boxes.whole]
    while pending:
        n_seen += 1
        if n_seen > MAX_COUNTED:
            return None
        box = pending.pop()
        verdict = boxes.judge(box)
        if verdict is None:
            continue
        n_points = math.prod(_count_values(ends) for ends in box)
        if verdict.to_split and n_points <= MAX_LISTED:
            n_listed += int(n_points)
            if n_listed > MAX_LISTED_IN_ALL:
                return None
            total += _count_listed(core, boxes, box, constraints)
            continue
        if verdict.to_split:
            if verdict.is_legal and any(math.isinf(core.parameters[name].size()) for name in verdict.active):
                return math.inf
            pending += reversed(boxes.split(box, verdict.to_split))
            continue
        ranges = dict(zip(boxes.names, box, strict=True))
        n_settings = math.prod(_count_values(ranges[name]) for name in verdict.active)
        if verdict.is_legal or _has_legal_middle(core, boxes, box, constraints):
            if math.isinf(n_settings):
                return math.inf
            total += int(n_settings)
    return total


def _count_values(ends: Range) -> int | float:
    low, high = ends
    return high - low if isinstance(low, int) else math.inf


def _count_listed(core: Core, boxes: Boxes, box: Box, constraints: list[Expression]) -> int:
    """The number of legal settings in a box of few, which are gone through in columns."""
    import numpy as np

    from search_spaces.drawing.batch import Batch
    from search_spaces.drawing.plans import FALSE as REFUSED

    counts = [int(high - low) for low, high in box]
    offsets = np.stack([axis.ravel() for axis in np.indices(counts)], axis=1)
    points = np.full((len(offsets), len(core.dimensions)), 0.5)
    for index, name in enumerate(boxes.names):
        if name in core.dimensions:
            levels = range(int(box[index][0]), int(box[index][1]))
            middles = np.array([sum(boxes.units(index, (k, k + 1))) / 2 for k in levels])
            points[:, core.dimensions.index(name)] = middles[offsets[:, index]]
    batch = Batch(core, points)
    is_counted = np.ones(len(offsets), bool)
    for index, name in enumerate(boxes.names):
        is_active = batch.columns[name].is_active
        if is_active is not None:  # what does not apply counts once
            is_counted &= is_active | (offsets[:, index] == 0)
    for constraint in constraints:
        is_counted &= batch.judge(constraint) != REFUSED
    return int(is_counted.sum())


def _has_legal_middle(core: Core, boxes: Boxes, box: Box, constraints: list[Expression]) -> bool:
    """Whether the setting in the middle of a box that cannot be split is legal."""
    values: dict[str, Any] = {}
    for index, name in enumerate(boxes.names):
        low, high = boxes.units(index, box[index])
        condition = core.conditions.get(name)
        if condition is None or condition.evaluate(values):
            values[name] = core.parameters[name].from_unit((low + high) / 2)
    return all(constraint.evaluate(values) is not False for constraint in constraints)
