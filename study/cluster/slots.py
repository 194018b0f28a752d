"""How many runs a cluster takes at once, while its nodes come and go."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from study.cluster.session import measure_capacity
from study.spec.schema import Resources

STALE_S = 1.0
"""A count as old as this is made anew."""


class SlotCounter:
    """Counts how many runs the cluster takes at once.

    Who ends a leg by a signal to all its processes ends Ray's, too: then nobody is left to be asked.

    Args:
        resources: What a run needs.
        is_over: Says whether the leg is to end.
        on_stranded: Called when no node is left that has room for a run, once until one is there again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        resources: Resources,
        is_over: Callable[[], bool],
        on_stranded: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resources, self._is_over = resources, is_over
        self._on_stranded, self._clock = on_stranded, clock
        self._n_slots, self._counted = 0, -math.inf

    def __call__(self) -> int:
        """Return the last count, or a new one."""
        if self._clock() - self._counted > STALE_S and not self._is_over():
            n_before = self._n_slots
            resources = self._resources
            n_there = measure_capacity().slots(resources.cpus_per_trial, resources.gpus_per_trial)
            self._n_slots = resources.limit(n_there)
            self._counted = self._clock()
            if n_before and not self._n_slots:
                self._on_stranded()
        return self._n_slots
