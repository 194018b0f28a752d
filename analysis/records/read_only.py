"""SQLite's files, read as they were after their last commit, whoever writes them or died while it did."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_BUSY_S = 10.0


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that another process may be writing, without changing a byte of it.

    Raises:
        sqlite3.Error: If it cannot be read, or is none.
        OSError: If its writer died in a transaction, and there is no room for the copy that recovers.
    """
    with ExitStack() as stack:
        yield _connect(path, stack)


def _connect(path: Path, stack: ExitStack) -> sqlite3.Connection:
    """Open a database, closed with `stack`; where it needs recovery first, a copy recovers instead of it."""
    try:
        return _open(f"{path.resolve().as_uri()}?mode=ro", stack)
    except sqlite3.OperationalError:
        logs = [path.with_name(path.name + ending) for ending in ("-journal", "-wal")]
        unfinished = [log for log in logs if log.exists() and log.stat().st_size]
        if not unfinished:
            # A database in WAL mode in a folder that we may not write: without a log it is not changing.
            return _open(f"{path.resolve().as_uri()}?immutable=1", stack)
        # Its writer was killed in the middle of a transaction, and reading would have to roll that back.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="records-")))
        for file in (path, *unfinished):
            shutil.copyfile(file, folder / file.name)
        return _open(str(folder / path.name), stack)


def _open(address: str, stack: ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=address.startswith("file:"), timeout=_BUSY_S)
    stack.callback(connection.close)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    return connection
