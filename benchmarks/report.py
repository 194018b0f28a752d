"""How long the report of a large study takes, and how much memory.

    python benchmarks/report.py

Each study is written by `synthetic_study.py`, each report by a process of its own, imports included. The bars
are 10 s for 1,000 trials, and 60 s and 1 GB for 10,000 trials of 10 epochs, on two cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthetic_study import Plan, write_study

CHILD = """
import json, resource, sys, time
start = time.perf_counter()
from pathlib import Path
import analysis
page = analysis.write_report(analysis.load(sys.argv[1]), Path(sys.argv[2]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "wall_s": time.perf_counter() - start,
    "cpu_s": used.ru_utime + used.ru_stime,
    "peak_mb": used.ru_maxrss / 1024,
    "page_mb": page.stat().st_size / 1e6,
}))
"""


@dataclass(frozen=True)
class Bar:
    """A size of study and what its report may cost."""

    n_trials: int
    max_epochs: int
    wall_s: float
    peak_mb: float


BARS = (Bar(100, 8, 10, 1000), Bar(1_000, 8, 10, 1000), Bar(10_000, 10, 60, 1000))


def measure(bar: Bar, folder: Path) -> dict[str, Any]:
    """Write one study and its report; what the report cost."""
    study = folder / f"trials-{bar.n_trials}"
    write_study(study, Plan(n_trials=bar.n_trials, max_epochs=bar.max_epochs))
    command = [sys.executable, "-c", CHILD, str(study), str(study / "report")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(answer.stdout)
    return figures


def main() -> int:
    """Print one row per size; 1 if a bar is not met."""
    print(f"{'trials':>8} {'epochs':>7} {'wall':>8} {'cpu':>8} {'memory':>9} {'page':>8}  bar")
    status = 0
    with TemporaryDirectory() as folder:
        for bar in BARS:
            cost = measure(bar, Path(folder))
            is_met = cost["wall_s"] <= bar.wall_s and cost["peak_mb"] <= bar.peak_mb
            status = status if is_met else 1
            print(
                f"{bar.n_trials:>8,} {bar.max_epochs:>7} {cost['wall_s']:>6.1f} s {cost['cpu_s']:>6.1f} s "
                f"{cost['peak_mb']:>6.0f} MB {cost['page_mb']:>5.1f} MB  "
                f"{bar.wall_s:.0f} s, {bar.peak_mb:.0f} MB: {'met' if is_met else 'NOT MET'}"
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
