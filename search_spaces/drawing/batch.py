"""Many settings at once, and which of them are legal."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from search_spaces.core import Core
from search_spaces.domains import Setting
from search_spaces.drawing.columns import Array, Column, Columns
from search_spaces.drawing.plans import ASK, FALSE, OPEN, TRUE, Plan, Truths, plan_statement
from search_spaces.expressions import Expression


class Batch:
    """Settings at points of the unit cube, as columns.

    Args:
        core: Their space.
        points: A coordinate in [0, 1] for each of `dimensions`, shape (n_rows, n_dimensions).
    """

    def __init__(self, core: Core, points: Array) -> None:
        self.n_rows = len(points)
        self.columns = Columns(len(points))
        self._core = core
        index_of = {name: index for index, name in enumerate(core.dimensions)}
        middle = np.full(self.n_rows, 0.5)
        for name in core.order:
            condition = core.conditions.get(name)
            is_active = None if condition is None else self.judge(condition) == TRUE
            if is_active is not None and is_active.all():
                is_active = None
            units = points[:, index_of[name]] if name in index_of else middle
            self.columns[name] = Column(core.parameters[name], units, is_active)

    def judge(self, expression: Expression) -> Truths:
        """Whether `expression` holds in each row: `TRUE`, `FALSE` or `OPEN`, shape (n_rows,)."""
        truths = _plan(self._core, expression)(self.columns)
        rows = np.flatnonzero(truths == ASK)
        if len(rows):
            truths = truths.copy()
            answers = {True: TRUE, False: FALSE, None: OPEN}
            settings = self._list(rows, expression.names)
            truths[rows] = [answers[expression.evaluate(setting)] for setting in settings]
        return truths

    def find_legal(self) -> Array:
        """The rows that keep all constraints, in order."""
        is_legal = np.ones(self.n_rows, bool)
        for constraint in self._core.constraints:
            is_legal &= self.judge(constraint) != FALSE
        return np.flatnonzero(is_legal)

    def list_settings(self, rows: Array | None = None) -> list[Setting]:
        """The settings of some rows, in their order, or of all."""
        rows = np.arange(self.n_rows) if rows is None else rows
        order = np.sort(rows)
        settings = self._list(order, self._core.parameters)
        return [settings[index] for index in np.searchsorted(order, rows).tolist()]

    def _list(self, rows: Array, names: Iterable[str]) -> list[Setting]:
        """Some parameters of the settings of `rows`, which rise."""
        settings: list[Setting] = [{} for _ in range(len(rows))]
        for name in names if len(rows) else ():
            indices, values = self.columns[name].pick(rows)
            chosen = settings if indices is None else map(settings.__getitem__, indices)
            for setting, value in zip(chosen, values, strict=False):
                setting[name] = value
        return settings


def _plan(core: Core, expression: Expression) -> Plan:
    plans: dict[str, Plan] = core.cache("plans", dict)
    if expression.text not in plans:
        plans[expression.text] = plan_statement(expression.node, core.parameters)
    return plans[expression.text]
