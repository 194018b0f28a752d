"""Folders for what nobody reads again, and the removal of those whose owner was killed."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OWNED = ".owned"


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Make a folder in the temporary folder, and remove it at the end, whatever is in it.

    Others with the same prefix are removed first where the process that made them is gone. It holds a lock,
    which the kernel frees: numbers of processes mean nothing to another container that shares the folder.
    """
    sweep_scratch(prefix)
    with (
        tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name,
        (Path(name) / _OWNED).open("wb") as owned,
    ):
        fcntl.flock(owned, fcntl.LOCK_EX)
        yield Path(name)


def sweep_scratch(prefix: str) -> None:
    """Remove the scratch folders of processes that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # another user's, or gone this moment
            if not folder.is_symlink() and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _OWNED).open("rb") as owned:
            fcntl.flock(owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
