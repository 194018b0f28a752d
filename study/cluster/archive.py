"""A study as lines of text: the way home through a cluster's dashboard, which carries no files."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.errors import EnvironmentFaultError, StudyError
from study.store.directory import StudyDirectory

LINE = "parcel: "
DIGEST = "parcel digest: "
"""How each line of an archive begins, and its last: what a library prints lies between them."""

MOST_BYTES = 64 * 2**20
"""Packed; a dashboard hands out a job's lines in one piece, and holds them in memory."""

_LINE_BYTES = 3 * 2**14


def pack_study(folder: Path) -> Iterator[str]:
    """Give the lines of a study that no process is at work on.

    Raises:
        StudyError: If the folder holds none.
        LockedError: If a process is at work on it.
        EnvironmentFaultError: If it is too large to travel so.
    """
    directory = StudyDirectory(folder).require()
    packed = io.BytesIO()
    with directory.lock(), tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted(folder.iterdir()):
            if path.name != "lock":
                archive.add(path, path.name)
    content = packed.getvalue()
    if len(content) > MOST_BYTES:
        raise EnvironmentFaultError(
            f"a dashboard carries up to {MOST_BYTES / 2**20:.0f} MiB: {folder} packed has "
            f"{len(content) / 2**20:.0f}; copy it by `ray rsync-down`, scp or `kubectl cp`"
        )
    for start in range(0, len(content), _LINE_BYTES):
        yield LINE + base64.b64encode(content[start : start + _LINE_BYTES]).decode()
    yield DIGEST + hashlib.sha256(content).hexdigest()


def unpack_study(lines: str, target: Path) -> None:
    """Make a study's folder of what a job said; it is there whole or not at all.

    Raises:
        StudyError: If the target exists.
        EnvironmentFaultError: If the lines are not whole.
    """
    if target.exists():
        raise StudyError(f"a study is brought to a folder of its own: {target} exists; give another --out")
    said = lines.splitlines()
    digest = next((line.removeprefix(DIGEST) for line in said if line.startswith(DIGEST)), None)
    try:
        parts = [base64.b64decode(line.removeprefix(LINE)) for line in said if line.startswith(LINE)]
    except ValueError:
        parts = []
    content = b"".join(parts)
    if hashlib.sha256(content).hexdigest() != digest:
        raise EnvironmentFaultError(
            f"a study comes home whole: what the job said of {target.name} is not; fetch it again"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        unpacked = Path(folder, target.name)
        unpacked.mkdir()
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            archive.extractall(unpacked, filter="data")
        unpacked.replace(target)
