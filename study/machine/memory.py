"""What the kernel did for lack of memory."""

from __future__ import annotations

from pathlib import Path

KERNEL_COUNTERS = Path("/proc/vmstat")


def count_kernel_kills(counters: Path = KERNEL_COUNTERS) -> int:
    """Return how many processes the kernel of this machine has killed for lack of memory since it started.

    Zero where it does not say. It counts for all containers of the machine.

    Args:
        counters: The kernel's counters, a line `name number` each.
    """
    try:
        lines = counters.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
