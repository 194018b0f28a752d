"""Files of a study: replaced whole, and what the disk says of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.records.atomic import replace_file
from study.errors import EnvironmentFaultError


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replace a file whole: a reader, or a power cut, sees the old content or the new.

    Raises:
        EnvironmentFaultError: If the disk does not take it; the old content stays, or the new is there whole.
    """
    data = content.encode() if isinstance(content, str) else content
    with disk_faults(path):
        make_folder(path.parent)
        replace_file(path, lambda stream: stream.write(data))
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there.

    Raises:
        EnvironmentFaultError: If the disk does not let go of it.
    """
    with disk_faults(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are missing; a power cut does not take them back."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make new names and removals in this folder last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Raise what the system says of `path` as ours.

    Raises:
        EnvironmentFaultError: If the disk is full, broken, or may not be written.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentFaultError(
            f"a study writes to its directory: {path}: {error.strerror}; make room or choose another folder, "
            "then run it again"
        ) from error
