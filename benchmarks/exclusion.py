"""Let two runs of one study race for its folder: `python -m benchmarks.exclusion [--races 100]`.

Each second race is for a new folder, the others for a study that was killed. Exactly one must win; the other
must end with status 4 within two seconds, naming the winner, and the folder must be free a second after the
winner was killed. Ends with an error at the first race that goes otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.study.faults.races import expect_one_winner, race


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--races", type=int, default=100)
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="races-") as name:
        folder = Path(name) / "studies"
        for number in range(arguments.races):
            if number % 2 == 0:
                shutil.rmtree(folder, ignore_errors=True)
            results.append(race(folder))
            expect_one_winner(results[-1])
    losers_s = sorted(result.loser_s for result in results)
    print(
        f"{len(results)} races, one winner each; losers were out after {losers_s[len(losers_s) // 2]:.2f} s "
        f"(median) to {losers_s[-1]:.2f} s, and a killed winner's folder was free after "
        f"{1e3 * max(result.free_s for result in results):.0f} ms at most"
    )


if __name__ == "__main__":
    main()
