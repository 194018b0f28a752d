"""What a power cut leaves of a folder: of each file what was synced, of each database what was committed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class _Entry(NamedTuple):
    name: str
    inode: int
    is_folder: bool


class DurableDisk:
    """The folder `root`, whose own name lasts, and what else of it a disk must have kept.

    A file's content lasts from the last `fsync` of the file on, its name from the last `fsync` of its folder
    on; more is not promised by POSIX, though most file systems keep more. SQLite is taken at its word: with
    full synchronisation a commit lasts, if it ends with a truncated and synced journal. Where it ends with
    the removal of the journal it lasts from the next commit on, which syncs the folder for its own journal
    before it changes anything. That this makes all other names of the folder last too is not counted on.

    Not looked at: writes of which a part arrived, disks that acknowledge what they do not keep.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents: dict[int, bytes] = {}
        self._unsettled: dict[int, bytes] = {}
        self._names: dict[int, dict[str, _Entry]] = {}
        self._held: list[int] = []

    def close(self) -> None:
        """Let go of files that were removed."""
        for descriptor in self._held:
            os.close(descriptor)

    def sync(self, descriptor: int) -> None:
        """Note that a file or a folder was synced."""
        # Held open, or another file may get its inode when it is removed.
        self._held.append(os.dup(descriptor))
        path = Path(f"/proc/self/fd/{descriptor}")
        inode = path.stat().st_ino
        if path.is_dir():
            self._names[inode] = {entry.name: entry for entry in _list(path)}
        else:
            self._contents[inode] = path.read_bytes()

    def commit(self, connection: sqlite3.Connection) -> None:
        """Note that a transaction was committed."""
        path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        assert connection.execute("PRAGMA synchronous").fetchone()[0] >= 2, f"{path} is not synced"
        self._contents |= self._unsettled
        inode = path.stat().st_ino
        self._unsettled = {inode: connection.serialize()} if journal == "delete" else {}
        if journal == "truncate":
            self._contents[inode] = connection.serialize()
        names = self._names.setdefault(path.parent.stat().st_ino, {})
        names[path.name] = _Entry(path.name, inode, is_folder=False)

    def cut(self, target: Path, *, keeps_names: bool) -> None:
        """Make `target` what is found when the power is back.

        Args:
            target: Is not there yet.
            keeps_names: Whether all renames and removals had reached the disk, and only contents are lost, or
                none that was not synced.
        """
        self._rebuild(self._root, self._root.stat().st_ino, target, keeps_names)

    def _rebuild(self, folder: Path, inode: int, target: Path, keeps_names: bool) -> None:
        target.mkdir()
        contents = self._contents | (self._unsettled if keeps_names else {})
        for entry in _list(folder) if keeps_names else self._names.get(inode, {}).values():
            if entry.is_folder:
                self._rebuild(folder / entry.name, entry.inode, target / entry.name, keeps_names)
            else:
                (target / entry.name).write_bytes(contents.get(entry.inode, b""))


def _list(folder: Path) -> Iterable[_Entry]:
    with os.scandir(folder) as entries:
        return [_Entry(entry.name, entry.inode(), entry.is_dir()) for entry in entries]
