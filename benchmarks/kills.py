"""Kill studies two hundred times: `python -m benchmarks.kills [--kills 200] [--seed 0]`.

Cheap trials on a real Ray, killed with SIGKILL at random moments, driver and workers, and continued until
done. Each grid's tables must be those of a grid that nobody killed; a parallel TPE search must have lost and
doubled nothing, and Optuna's storage must agree with the records. Prints the tally; ends with an error at the
first study that differs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.study.faults.kills import STUDY, expect_nothing_lost_or_doubled, kill, read_final_table
from tests.study.pretend.programs import finish, start

SEARCH = {"kind": "search", "trials": 20, "sampler": "tpe", "scheduler": "none"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder, start_s = Path(name), time.monotonic()
        status, said = finish(start(folder / "reference", **STUDY))
        assert status == 0, said
        expected = read_final_table(folder / "reference" / "cheap")

        def check(study: Path) -> None:
            assert read_final_table(study) == expected, study
            expect_nothing_lost_or_doubled(study)
            print(f"{study.parent.name}: whole after {time.monotonic() - start_s:.0f} s", flush=True)

        n_grid = arguments.kills * 3 // 4
        print("grid", kill(folder / "grid", n_grid, rng, check), flush=True)
        n_search = arguments.kills - n_grid
        search = kill(folder / "search", n_search, rng, expect_nothing_lost_or_doubled, design=SEARCH)
        print("search", search, flush=True)


if __name__ == "__main__":
    main()
