"""How much is there to compute with, and whether a trial fits in."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

from study.errors import StudyError
from study.machine.cgroups import cpu_quota, memory_limit


@dataclass(frozen=True)
class Capacity:
    """What a machine, or a Ray cluster, has to give."""

    cpus: int
    gpus: float
    nodes: int

    def slots(self, cpus_per_trial: int, gpus_per_trial: float) -> int:
        """Return how many trials run at once."""
        by_cpu = self.cpus // cpus_per_trial
        return by_cpu if gpus_per_trial == 0 else min(by_cpu, int(self.gpus / gpus_per_trial + 1e-9))


def count_cpus() -> int:
    """Return how many CPUs this process may use, which in a container is fewer than the machine has.

    Of a quota the whole CPUs count, and one at least: one worker more would slow all of them down.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return there if quota is None else max(1, min(there, int(quota + 1e-9)))


def count_memory() -> int:
    """Return how many bytes of memory this process may use: the machine's, or what a container is given."""
    import psutil

    there = int(psutil.virtual_memory().total)
    limit = memory_limit()
    return there if limit is None else min(there, limit)


def limit_of_process() -> int | None:
    """Return how many bytes one process may ask for (ulimit -v, -d), None where nothing limits it."""
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)


def check_resources(capacity: Capacity, cpus_per_trial: int, gpus_per_trial: float) -> None:
    """Refuse what can never be scheduled: Ray would wait for it for ever.

    Raises:
        StudyError: If no trial fits.
    """
    if capacity.cpus < cpus_per_trial:
        raise StudyError(
            f"a trial's CPUs must be there: resources.cpus_per_trial={cpus_per_trial}, there are "
            f"{capacity.cpus}; lower it or join a larger cluster by its address"
        )
    if capacity.slots(cpus_per_trial, gpus_per_trial) == 0:
        raise StudyError(
            f"a trial's GPUs must be there: resources.gpus_per_trial={gpus_per_trial}, there are "
            f"{capacity.gpus:g}; lower it or join a larger cluster by its address"
        )
