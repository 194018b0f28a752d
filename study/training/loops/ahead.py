"""Compiling ahead: by a process of its own, while a study reads its texts and Ray starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from study.training.loops.cache import cache_folder, ready_mark

COMMAND = (sys.executable, "-P", "-m", "study.training.loops.compilation")
"""Compiles all; the program is ours, whatever lies in the working folder."""


@contextmanager
def compile_ahead() -> Iterator[None]:
    """Compile the loops meanwhile, unless they lie compiled here; workers wait for them, or lend a hand.

    Whatever hinders it is left to the workers, which compile what they do not find.
    """
    folder = cache_folder()
    if folder is None or ready_mark(folder).exists():
        yield
        return
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(COMMAND, stdin=nowhere, stdout=nowhere, stderr=nowhere)  # noqa: S603 - ours
    try:
        yield
    finally:
        process.terminate()
        process.wait()
