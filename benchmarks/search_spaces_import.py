"""What `search_spaces` costs its users: import time beside its peers, and settings drawn per second.

Run `python benchmarks/search_spaces_import.py`; libraries that are not installed are left out.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time

import numpy as np

from search_spaces import Space, recurrent_space

IMPORTS = ("search_spaces", "optuna.distributions", "ConfigSpace", "ray.tune")
N_STARTS = 5
N_SETTINGS = 3000

CONSTRAINED = Space(
    {"layers": [1, 2, 3], "units": {"low": 8, "high": 128}, "units_2": {"low": 8, "high": 128}},
    conditions={"units_2": "layers >= 2"},
    constraints=["units * layers <= 256", "units_2 <= units"],
)


def measure_import_s(module: str) -> float:
    """Median processor time of the import alone, each in a new interpreter."""
    code = f"import time; s = time.process_time(); import {module}; print(time.process_time() - s)"
    times_s = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(N_STARTS)
    ]
    return statistics.median(times_s)


def measure_draws_per_s(space: Space) -> float:
    """Settings drawn per second of processor time by `Space.sample`."""
    rng = np.random.default_rng(0)
    start_s = time.process_time()
    for _ in range(N_SETTINGS):
        space.sample(rng)
    return N_SETTINGS / (time.process_time() - start_s)


def main() -> None:
    """Print both tables."""
    own_s = measure_import_s("search_spaces")
    print(f"{'import':<24}{'cpu s':>9}{'ratio':>8}")
    for module in IMPORTS:
        if importlib.util.find_spec(module.partition(".")[0]):
            seconds = own_s if module == "search_spaces" else measure_import_s(module)
            print(f"{module:<24}{seconds:>9.3f}{seconds / own_s:>8.1f}")
    print(f"\n{'space':<24}{'settings/s':>10}")
    for name, space in (("recurrent", recurrent_space()), ("with constraints", CONSTRAINED)):
        print(f"{name:<24}{measure_draws_per_s(space):>10.0f}")


if __name__ == "__main__":
    main()
