"""The second process of a report, which draws figures while the first computes what there is to say."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from typing import IO, Any, cast

COMMAND = (sys.executable, "-P", "-m", "analysis.report.drawing")
"""Draws; the program is ours, whatever lies in the working folder."""


class Assistant:
    """A process that draws what it is given. Whatever hinders it is left to the first one.

    As a context manager it ends the process, if there is one.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self.dismiss()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it was not told any more
                cast("IO[bytes]", stream).close()
        self._process.wait()

    @property
    def is_there(self) -> bool:
        """Whether the process was begun; it may have ended."""
        return self._process is not None

    def begin(self) -> None:
        """Begin the process, which loads its libraries, if there is a CPU for it."""
        if _count_cpus() > 1:
            with suppress(OSError):
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, a program of our own
                    COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )

    def brief(self, bundle: bytes) -> None:
        """Give it what there is to draw and where to, which it hears once its libraries are loaded.

        Raises:
            OSError: If the process has ended.
        """
        pickle.dump(bundle, self._questions)

    def draw(self, number: int) -> Any:
        """Have it draw one of the charts that it was given last, wait, and return its answer.

        Raises:
            Exception: If the process has ended.
        """
        pickle.dump(number, self._questions)
        self._questions.flush()
        # What it writes is what this program wrote, in a process that this one began.
        return pickle.load(cast("IO[bytes]", self._there.stdout))  # noqa: S301

    def dismiss(self) -> None:
        """End the process at once; whoever waits for it is told."""
        self._there.kill()

    @property
    def _there(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "begin the process first"
        return self._process

    @property
    def _questions(self) -> IO[bytes]:
        return cast("IO[bytes]", self._there.stdin)


def _count_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
