"""Legs whose calls to the system fail.

`python -m tests.study.faults.failing_calls OUT ERRNO STAYS FIRST STRIDE` is run with
`failing_calls.c` preloaded: every write of Python's and of SQLite's own is one of them.
"""

from __future__ import annotations

import ctypes
import errno
import sys
from pathlib import Path

import analysis
from study.errors import EnvironmentFaultError
from tests.study.pretend.legs import GRID, read_all, run_leg


def main() -> None:
    """Let one call of each leg fail and go on; print how many ended with our error, and how many did not."""
    out, name, stays, first, stride = sys.argv[1:]
    calls = ctypes.CDLL(None)
    run_leg(Path(out) / "reference" / "small", GRID)
    reference = read_all(Path(out) / "reference" / "small")
    calls.arm(ctypes.c_long(0), 0, 0)
    run_leg(Path(out) / "failing" / "0" / "small", GRID)
    n_calls = calls.count_passed()
    n_ended = n_unharmed = 0
    for last in range(int(first), n_calls + 1, int(stride)):
        study = Path(out) / "failing" / str(last) / "small"
        study.parent.mkdir()
        calls.arm(ctypes.c_long(last), getattr(errno, name), int(stays))
        try:
            run_leg(study, GRID)
            n_unharmed += 1
        except EnvironmentFaultError as error:
            assert "\n" not in str(error), error
            n_ended += 1
        calls.arm(ctypes.c_long(0), 0, 0)
        if (study / "study.yaml").exists():
            analysis.load(study)
        run_leg(study, GRID)
        assert read_all(study) == reference, study
    print(n_calls, n_ended, n_unharmed)


if __name__ == "__main__":
    main()
