"""The checksums of a study at rest: `SHA256SUMS`, which `sha256sum --check` reads too.

A leg removes the file before it changes anything and writes it again when all else is written, so that it is
there exactly where no process is at work and none has died.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from analysis.records.atomic import TEMPORARY_PATTERN
from study.errors import IntegrityError
from study.store.directory import StudyDirectory
from study.store.files import disk_faults, sync_folder, write_atomically

CHECKSUMS_FILE = "SHA256SUMS"
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>[^\n]+)")


def write_checksums(directory: StudyDirectory) -> None:
    """Note the digest of every file."""
    paths = sorted(str(path.relative_to(directory.path)) for path in _files(directory))
    _write(directory, {path: digest_of(directory.path / path) for path in paths})


def renew_checksums(directory: StudyDirectory, folder: Path) -> None:
    """Note the digests of the files in `folder` anew, where there are checksums."""
    digests = read_checksums(directory)
    if digests is None:
        return
    inside = folder.relative_to(directory.path)
    kept = {path: digest for path, digest in digests.items() if not Path(path).is_relative_to(inside)}
    new = {
        str(path.relative_to(directory.path)): digest_of(path)
        for path in _files(directory)
        if path.is_relative_to(folder)
    }
    _write(directory, kept | new)


def remove_checksums(directory: StudyDirectory) -> None:
    """Remove them, before anything changes.

    Raises:
        IntegrityError: If the records are not what they were when they were written.
    """
    digests = read_checksums(directory)
    if digests is None:
        return
    name = directory.records.name
    if digests.get(name) != digest_of(directory.records):
        raise IntegrityError(
            f"a study at rest does not change: {directory.records} is not what its leg wrote; "
            "see `study verify`, or restore it from a copy"
        )
    with disk_faults(directory.path / CHECKSUMS_FILE):
        (directory.path / CHECKSUMS_FILE).unlink()
        sync_folder(directory.path)


def read_checksums(directory: StudyDirectory) -> dict[str, str] | None:
    """Return the digest of each file by its path in the study, None where there is no file of them.

    Raises:
        IntegrityError: If that file is itself damaged.
    """
    path = directory.path / CHECKSUMS_FILE
    if not path.exists():
        return None
    text = path.read_bytes().decode("utf-8", errors="replace")
    matches = [_LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    if not text.endswith("\n") or not all(matches):
        raise IntegrityError(f"checksums are lines of digest and path: {path} is damaged; see `study verify`")
    return {match["path"]: match["digest"] for match in matches if match is not None}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; of one that is missing, no digest at all."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def _files(directory: StudyDirectory) -> Iterator[Path]:
    """Everything that a study at rest consists of."""
    passing = {
        CHECKSUMS_FILE,
        "lock",
        f"{directory.records.name}-journal",
        f"{directory.optuna.name}-journal",
    }
    for path in directory.path.rglob("*"):
        if path.is_file() and path.name not in passing and not TEMPORARY_PATTERN.fullmatch(path.name):
            yield path


def _write(directory: StudyDirectory, digests: dict[str, str]) -> None:
    with disk_faults(directory.path):
        for folder in {(directory.path / path).parent for path in digests}:
            sync_folder(folder)  # names that a power cut took back would be missed
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.items())]
    write_atomically(directory.path / CHECKSUMS_FILE, "".join(lines))
