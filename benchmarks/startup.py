"""How long a user waits before anything happens: imports and `--help`, each in a process of its own.

    python benchmarks/startup.py

Prints the median and the least of `RUNS` runs in wall seconds, beside the bar that each must keep.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 7

COMMANDS = {
    "import search_spaces": (["-c", "import search_spaces"], 0.1),
    "import analysis": (["-c", "import analysis"], 0.1),
    "import study": (["-c", "import study"], 0.1),
    "study --help": (["-m", "study", "--help"], 0.5),
    "study list": (["-m", "study", "list", "."], 0.5),
}
"""Arguments of Python, and the bar in seconds; an import's time is without Python's own start."""


def main() -> None:
    """Measure and print."""
    for name, (arguments, bar) in COMMANDS.items():
        # In turn, so that what the machine does otherwise weighs on both.
        pairs = [(run(arguments), run(["-c", "pass"])) for _ in range(RUNS + 1)][1:]
        seconds = [s - start if name.startswith("import") else s for s, start in pairs]
        median = statistics.median(seconds)
        kept = "" if bar is None else f"  bar {bar:.2f} s: {'kept' if median < bar else 'MISSED'}"
        print(f"{name:<22} median {median:.3f} s, least {min(seconds):.3f} s{kept}")


def run(arguments: list[str]) -> float:
    """Run Python with `arguments`; return wall seconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
