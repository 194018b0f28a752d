"""A guard over the start of Ray: a process of its own, which ends one that waits in Ray for ever.

A driver is let in by its raylet when the workers that this has started beforehand are there. One of them
that was killed never comes; Ray (2.60) waits for it without end, and holds the interpreter's lock: no thread,
and no handler of a signal, runs again. And where Ray's head is gone, its C++ ends the process after a minute
with a status and lines of its own.

`python start_guard.py DRIVER LIMIT PATIENCE RULE` reads lines `NAME PID`, processes that must live, until its
standard input is closed.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LOOK_S = 0.25


class Guard:
    """The guard of one start.

    Args:
        process: It.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def start(self, begin: Any, command: Sequence[str], **options: Any) -> Any:
        """Start a process as Ray does, by its own `begin`; from then on it must live."""
        started = begin(command, **options)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{Path(command[0]).name} {started.pid}\n".encode())
        self._process.stdin.flush()
        return started


@contextmanager
def guard_start(limit_s: float, patience_s: float, rule: str) -> Iterator[Guard]:
    """End this process, with one line and status 3, if this lasts too long.

    Args:
        limit_s: How long it may last.
        patience_s: How long when a process that must live is gone: less than Ray's own.
        rule: What should have been, the beginning of the line.
    """
    arguments = [str(os.getpid()), str(limit_s), str(patience_s), rule]
    process = subprocess.Popen(  # noqa: S603 - this file
        [sys.executable, "-I", "-S", __file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        with _exit_at_quit():
            yield Guard(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def _exit_at_quit() -> Iterator[None]:
    """Let SIGQUIT, whose number is 3, call the C library's `_exit` with its number: that needs no lock."""
    library = ctypes.CDLL(None)
    set_handler = library.signal
    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
    earlier = set_handler(signal.SIGQUIT, ctypes.cast(library._exit, ctypes.c_void_p))
    try:
        yield
    finally:
        set_handler(signal.SIGQUIT, earlier)


def main() -> None:
    """Watch until standard input is closed."""
    driver, limit_s, patience_s, why = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    deadline = time.monotonic() + limit_s
    watched: dict[str, int] = {}
    lost = None
    while time.monotonic() < deadline:
        if select.select([0], [], [], _LOOK_S)[0]:
            heard = os.read(0, 4096).decode()
            if not heard:
                return
            watched |= {name: int(pid) for name, pid in map(str.split, heard.splitlines())}
        if lost is None and (lost := next((n for n, pid in watched.items() if _is_gone(pid)), None)):
            deadline = min(deadline, time.monotonic() + patience_s)
            why = f"what Ray has started must live: {lost} ended while Ray started"
    print(f"study: {why}; run it again, and see `study doctor`", file=sys.stderr, flush=True)
    os.kill(driver, signal.SIGQUIT)


def _is_gone(pid: int) -> bool:
    """Whether a process has ended, though nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return Path("/proc/self").exists()


if __name__ == "__main__":
    main()
