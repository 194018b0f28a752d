"""What a study's directory may hold: regular files and folders, each in its place.

A FIFO would keep a reader waiting for ever, a device give it no end: files are looked at before they are
opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

FOLDERS = frozenset({"report", "models", "checkpoints"})
"""Folders of a study; all else that is its own is a file."""

FILES = frozenset(
    {
        "study.yaml",
        "manifest.json",
        "records.db",
        "records.db-journal",
        "optuna.db",
        "optuna.db-journal",
        "trials.parquet",
        "epochs.parquet",
        "SHA256SUMS",
        "lock",
    }
)
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}


def find_odd(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each path of a study that is not what it should be, and what is wrong with it; open nothing.

    Links are followed where they lead to what should be there.
    """
    for name in sorted(FILES):
        yield from _check(folder / name, is_folder=False)
    for name in sorted(FOLDERS):
        odd = list(_check(folder / name, is_folder=True))
        yield from odd
        if not odd:
            yield from _check_tree(folder / name)


def check_plain(folder: Path) -> None:
    """Refuse a study's directory in which something stands in the place of a file.

    Raises:
        DamagedRecordsError: If so; names the first.
    """
    for path, fault in find_odd(folder):
        from analysis.records.database import DamagedRecordsError  # which loads pandas

        raise DamagedRecordsError(f"{path}: {fault}; restore it from a copy, or remove it")


def find_obstacle(folder: Path) -> Path | None:
    """What stands where a folder, or one above it, is to be made; None where nothing does."""
    return next((p for p in (folder, *folder.parents) if os.path.lexists(p) and not p.is_dir()), None)


def _check_tree(folder: Path) -> Iterator[tuple[Path, str]]:
    for parent, folders, files in os.walk(folder):  # which follows no links
        for name in (*folders, *files):
            path = Path(parent) / name
            if path.is_symlink() or name in files:
                yield from _check(path, is_folder=path.is_dir())


def _check(path: Path, *, is_folder: bool) -> Iterator[tuple[Path, str]]:
    wanted = stat.S_IFDIR if is_folder else stat.S_IFREG
    try:
        found = stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield path, f"cannot be looked at: {error.strerror}"
        return
    if found != wanted:
        yield path, f"is {_KINDS.get(found, 'no file')} where {_KINDS[wanted]} should be"
