"""Generate wrong specs and data files by the ten thousand: `python -m benchmarks.fuzzing [--examples 10000]`.

Each kind in a process of its own that may hold 512 MB. Prints how many were used and refused, the slowest and
the peak of memory; ends with the example, made small, that raised anything but a refusal in one line, or
took over five seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from tests.study.faults.fuzzing import KINDS
from tests.study.pretend.programs import ROOT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=sorted(KINDS), choices=sorted(KINDS))
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        start_s = time.monotonic()
        command = [sys.executable, "-m", "tests.study.faults.fuzzing", kind]
        said = subprocess.run(
            [*command, str(arguments.examples), str(arguments.seed)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        if said.returncode != 0:
            sys.exit(f"{kind}: a promise was broken, see above")
        tally = json.loads(said.stdout)
        print(
            f"{kind}: {tally['n_examples']} examples in {time.monotonic() - start_s:.0f} s, "
            f"{tally['n_accepted']} used; the slowest took {tally['slowest_s']:.2f} s, "
            f"the process held {tally['peak_bytes'] / 2**20:.0f} MB at most",
            flush=True,
        )
        for why, n in tally["refusals"]:
            print(f"  {n:>6}  {why}")


if __name__ == "__main__":
    main()
