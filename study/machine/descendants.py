"""The processes of a local Ray that this process has started, as Linux tells it under /proc."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    command: bytes


def end_local_ray(*, with_forks: bool = False) -> None:
    """End whatever is left of a Ray that this process has started: nothing of it is needed any more.

    Ray ends its processes in order, but not where it was interrupted while it started, or fails to start: its
    agents would wait for a head that is gone for a minute or more. Elsewhere than on Linux Ray's own reaper
    does so.

    Args:
        with_forks: End children that are still copies of this process, too: one that is about to become a
            process of Ray's cannot be told from them.
    """
    if "ray" not in sys.modules:
        return
    # Ray names its session, and in it each process but the workers, by the process that started it.
    session = re.compile(rb"/session_[-_\d]+_%d\b" % os.getpid())
    for _ in range(2):  # a process that was about to be started is found the second time
        processes = list(_list_processes())
        ours = {p.pid for p in processes if session.search(p.command)}
        if with_forks:
            own = next((p.command for p in processes if p.pid == os.getpid()), b"")
            ours |= {p.pid for p in processes if p.parent == os.getpid() and p.command == own}
        for pid in _with_descendants(ours, processes):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _list_processes() -> Iterator[_Process]:
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        with contextlib.suppress(ValueError, OSError):  # it is no process, or has just ended
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            yield _Process(int(entry.name), parent, (entry / "cmdline").read_bytes())


def _with_descendants(pids: Collection[int], processes: Collection[_Process]) -> set[int]:
    found = set(pids)
    while more := {p.pid for p in processes if p.parent in found} - found:
        found |= more
    return found
