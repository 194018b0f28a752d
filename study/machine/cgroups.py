"""What a container, a pod or a batch system lets this process have: Linux's control groups, both versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
"""Where files of the kernel are looked for; tests put their own tree there."""

_UNLIMITED_BYTES = 2**60
"""Version 1 says so by a number near 2**63."""


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return how many CPUs' time this process may use, perhaps a fraction; None where nothing limits it.

    Of nested groups the tightest counts.
    """
    quotas = [*_quotas_of_version_2(root), *_quotas_of_version_1(root)]
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """Return how many bytes of memory this process may use; None where nothing limits it."""
    limits = []
    for version, name in (("", "memory.max"), ("memory", "memory.limit_in_bytes")):
        for folder in _groups(root, version):
            words = _words(folder / name)
            if len(words) == 1 and words[0].isdecimal() and int(words[0]) < _UNLIMITED_BYTES:
                limits.append(int(words[0]))
    return min(limits, default=None)


def thread_room(root: Path = ROOT) -> int | None:
    """Return how many more processes and threads there may be; None where nothing limits it."""
    room = []
    for version in ("", "pids"):
        for folder in _groups(root, version):
            words = [*_words(folder / "pids.max"), *_words(folder / "pids.current")]
            if len(words) == 2 and all(word.isdecimal() for word in words):
                room.append(int(words[0]) - int(words[1]))
    return min(room, default=None)


def _quotas_of_version_2(root: Path) -> Iterator[float]:
    for folder in _groups(root, ""):
        words = _words(folder / "cpu.max")
        if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):
            yield int(words[0]) / int(words[1])


def _quotas_of_version_1(root: Path) -> Iterator[float]:
    for folder in _groups(root, "cpu"):
        words = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):  # -1: no limit
            yield int(words[0]) / int(words[1])


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those above it.

    Args:
        root: See `ROOT`.
        controller: Of version 1; empty for version 2, whose one tree holds all.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller not in controllers.split(","):
            continue
        mounts = root / "sys/fs/cgroup"
        bases = [mounts / controllers, mounts / controller] if controller else [mounts, mounts / "unified"]
        for base in dict.fromkeys(bases):
            # In a container the path may be that of the machine outside, and its files lie at the base.
            group = base / path.lstrip("/")
            while group != base and group.is_relative_to(base):
                yield group
                group = group.parent
            yield base


def _words(path: Path) -> list[str]:
    return _read(path).split()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
