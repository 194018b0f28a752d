"""Files that are replaced whole."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

TEMPORARY_PATTERN = re.compile(r"\..+\.\d+\.tmp")
"""Names of files that are being written, and half of which a process leaves that dies meanwhile."""


def replace_file(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Let `write` fill a file that then takes the place of `path`: all or nothing, whoever looks or dies.

    The content is on the disk before it has its name; the name itself is once the folder is synchronized.

    Raises:
        OSError: If the disk does not take it; the old content stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # of a disk that takes nothing any more
            temporary.unlink(missing_ok=True)
        raise
