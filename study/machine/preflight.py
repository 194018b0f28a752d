"""What a study needs of the machine around it: asked before anything trains, and by `study doctor`."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from study.errors import EnvironmentFaultError
from study.machine.cgroups import thread_room

SOCKET_BYTES = 107
"""The longest path of a socket on Linux (unix(7): 108 bytes, the last is zero)."""

NEEDED_BYTES = 64 * 2**20
"""Free room in the temporary folder: logs of Ray, and models while they are saved."""

FILES, FILES_OF_WORKER = 80, 4
"""Open files of one process of Ray's (2.60), and for each worker: it held 50, and 3 for each, at rest."""

MANY_FILES = 65_536
"""Which Ray asks for, too."""

THREADS, THREADS_OF_WORKER = 100, 20
"""Threads of all processes of a study, and of each worker: 110 and 23 were there, without TensorFlow's."""

REPORT_BYTES, MODEL_BYTES, STUDY_BYTES = 2 * 2**30, 3 * 2**30, 6 * 2**30
"""Address space in which a report is written, a model used and a study run: 1.8, 3 and 5 GB were enough.

In less, libraries end the process past all handlers, or wait for memory without end (OpenBLAS)."""

# What Ray (2.60) puts behind its temporary folder: session, microseconds and number of the process included.
_SOCKET = "/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"


def check_environment(*, is_local: bool, token: Path | None, n_workers: int = 1) -> None:
    """Refuse an environment in which a study could not run; what this process may raise is raised.

    Args:
        is_local: Whether Ray is started here, and puts its sockets and logs into the temporary folder.
        token: Where Ray's token lies or is made; None where it is given otherwise.
        n_workers: Runs at once.

    Raises:
        EnvironmentFaultError: If a study could not run, one line.
    """
    _raise_limit(resource.RLIMIT_NOFILE, MANY_FILES)
    _raise_limit(resource.RLIMIT_AS, STUDY_BYTES)
    for topic, text in find_faults(is_local=is_local, token=token, n_workers=n_workers):
        raise EnvironmentFaultError(f"{topic}: {text}")


def check_address_space(n_bytes: int, purpose: str) -> None:
    """Refuse to begin where libraries could not be loaded; what this process may raise is raised.

    Raises:
        EnvironmentFaultError: If less is allowed.
    """
    _raise_limit(resource.RLIMIT_AS, n_bytes)
    for topic, text in _check_address_space(n_bytes, purpose):
        raise EnvironmentFaultError(f"{topic}: {text}")


def _raise_limit(kind: int, wanted: int) -> None:
    """Let this process have as much as it may; those that it starts inherit that."""
    given, allowed = resource.getrlimit(kind)
    most = wanted if allowed == resource.RLIM_INFINITY else min(allowed, wanted)
    if given != resource.RLIM_INFINITY and given < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, allowed))


def find_faults(*, is_local: bool, token: Path | None, n_workers: int = 1) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, topic and sentence; arguments as those of `check_environment`."""
    if sys.flags.optimize > 1:
        yield "Python", "Ray is not loaded without docstrings (-OO): set PYTHONOPTIMIZE to 1, or unset it"
    yield from _check_address_space(STUDY_BYTES, "a study")
    if is_local:
        yield from _check_temporary(ray_temporary_folder())
        yield from _check_files(n_workers)
        yield from _check_threads(n_workers)
    if token is not None:
        yield from _check_token(token)


def ray_temporary_folder() -> Path:
    """Return the folder in which Ray (2.60) makes its own; Python's may be another."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - Ray's choice


def _check_temporary(folder: Path) -> Iterator[tuple[str, str]]:
    topic = "the temporary folder"
    n_bytes = len(os.fsencode(str(folder) + _SOCKET))
    if n_bytes > SOCKET_BYTES:
        room = SOCKET_BYTES - len(_SOCKET)
        yield (
            topic,
            f"Ray's sockets lie in it, and their paths end at {SOCKET_BYTES} bytes: {folder} is too long; "
            f"set TMPDIR to a folder of at most {room} bytes",
        )
        return
    own = folder / "ray"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=own if own.exists() else folder) as probe:
            os.posix_fallocate(probe.fileno(), 0, NEEDED_BYTES)
    except OSError as error:
        yield (
            topic,
            f"Ray writes to {own}, {NEEDED_BYTES // 2**20} MB at least: {error.strerror}; "
            "set TMPDIR to a folder of your own that has room",
        )


def _check_address_space(needed: int, purpose: str) -> Iterator[tuple[str, str]]:
    given, _ = resource.getrlimit(resource.RLIMIT_AS)
    if given != resource.RLIM_INFINITY and given < needed:
        yield (
            "address space",
            f"the processes of {purpose} take up to {needed / 2**30:.0f} GB each: {given / 2**30:.1f} GB are "
            "allowed; raise the limit, `ulimit -v unlimited`, or ask a batch system for more",
        )


def _check_files(n_workers: int) -> Iterator[tuple[str, str]]:
    needed, (_, allowed) = FILES + FILES_OF_WORKER * n_workers, resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        yield (
            "open files",
            f"Ray's processes may open {needed} each with {n_workers} workers: {allowed} are allowed; raise "
            f"the hard limit, `ulimit -n {max(1024, needed)}`, or of a container --ulimit nofile",
        )


def _check_threads(n_workers: int) -> Iterator[tuple[str, str]]:
    needed, room = THREADS + THREADS_OF_WORKER * n_workers, thread_room()
    if room is not None and room < needed:
        yield (
            "processes",
            f"a study with {n_workers} workers has {needed} threads and more: its control group has room for "
            f"{max(room, 0)}; raise it, of a container --pids-limit",
        )


def _check_token(token: Path) -> Iterator[tuple[str, str]]:
    topic = "Ray's token"
    way_out = "set RAY_AUTH_TOKEN_PATH to a file in a folder of your own, or HOME"
    if token.exists() and not token.is_file():
        yield topic, f"it lies in a file: {token} is none; {way_out}"
        return
    try:
        token.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if token.exists():
            token.read_bytes()
        else:
            with tempfile.NamedTemporaryFile(prefix=".auth_token-", dir=token.parent):
                pass
    except OSError as error:
        yield topic, f"it lies in {token}: {error.strerror}; {way_out}"
