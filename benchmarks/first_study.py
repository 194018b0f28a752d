"""What the first study on a new machine costs beyond the second: compiling, and every cache that is empty.

    python benchmarks/first_study.py [--rounds 2]

Each round gives `study run quick` an empty cache folder, and runs it twice. The bar is a ratio of 1.15, on
two idle cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

BAR = 1.15


def run_study(scratch: Path, name: str) -> float:
    """Seconds that a study takes, from the start of its process to the end."""
    environment = os.environ | {"XDG_CACHE_HOME": str(scratch / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-m", "study", "run", "quick", "--name", name, "--out", str(scratch)]
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Print each round; 1 if the median of the ratios is above the bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2)
    ratios = []
    for _ in range(parser.parse_args().rounds):
        with TemporaryDirectory() as folder:
            first, second = (run_study(Path(folder), name) for name in ("first", "second"))
        ratios.append(first / second)
        print(f"first {first:.1f} s, second {second:.1f} s: {ratios[-1]:.2f}", flush=True)
    median = statistics.median(ratios)
    print(f"median {median:.2f}, bar {BAR}: {'met' if median <= BAR else 'NOT MET'}")
    return int(median > BAR)


if __name__ == "__main__":
    sys.exit(main())
