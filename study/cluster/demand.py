"""What a leg asks of a cluster that grows by itself: room for all its runs at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from study.spec.schema import Resources

MOST = 1_000
"""Runs asked for, at most: no cluster starts as many nodes at once."""

FAREWELL_S = 5.0
"""So long a cluster that may be gone is waited for when all is taken back."""


class Demand:
    """Asks a cluster for room for runs; one that does not grow takes no notice.

    By itself it would grow by the one run that waits, node after node, each after minutes.

    Args:
        resources: What a run needs, and how many may run at once.
        request: `ray.autoscaler.sdk.request_resources`: what it was given last holds until it is given other.
    """

    def __init__(self, resources: Resources, request: Callable[..., None]) -> None:
        self._resources, self._request, self._n_asked = resources, request, 0

    def ask(self, n_runs: int) -> None:
        """Ask for room for `n_runs` runs, and for fewer as they become fewer, so that idle nodes go."""
        n_asked = min(self._resources.limit(max(n_runs, 0)), MOST)
        if n_asked == self._n_asked:
            return
        bundle = {"CPU": float(self._resources.cpus_per_trial)}
        if self._resources.gpus_per_trial:
            bundle["GPU"] = self._resources.gpus_per_trial
        self._n_asked = n_asked
        with suppress(Exception):  # a hint, and no reason to end: what is wrong with Ray is noticed elsewhere
            self._request(bundles=[bundle] * n_asked)


@contextmanager
def demand_room(resources: Resources, *, is_local: bool) -> Iterator[Callable[[int], None]]:
    """Give what asks the cluster of this process for room for runs, and take all back at the end."""
    if is_local:
        yield lambda n_runs: None
        return
    from ray.autoscaler.sdk import request_resources

    demand = Demand(resources, request_resources)
    try:
        yield demand.ask
    finally:
        # Else its nodes would stay when the study is over.
        farewell = threading.Thread(target=demand.ask, args=(0,), daemon=True)
        farewell.start()
        farewell.join(FAREWELL_S)
