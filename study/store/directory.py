"""A study's directory: where each file lies, who may write, and how a file is replaced whole."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from study.errors import EnvironmentFaultError, LockedError, StudyError

logger = logging.getLogger(__name__)

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Names that stay inside their folder and mean nothing to a shell, a page or a spreadsheet."""


TEMPORARY_PATTERN = re.compile(r"\..+\.\d+\.tmp")
"""Files that are being written, and half of which a process leaves that dies meanwhile."""

HOLDER_NAMED_S = 1.0
"""Who is refused waits so long, at most, for the name of the holder."""


def check_name(name: str) -> str:
    """Return a study's name unchanged.

    Raises:
        StudyError: If it could leave the output folder or upset a tool that reads it.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise StudyError(
            "a study's name is up to 64 letters, digits, '.', '_' or '-', the first a letter or digit: "
            f"{name!r} is not; give another with --name"
        )
    return name


@dataclass(frozen=True)
class StudyDirectory:
    """The paths of one study."""

    path: Path

    @property
    def spec(self) -> Path:
        """What was asked."""
        return self.path / "study.yaml"

    @property
    def manifest(self) -> Path:
        """What it ran on."""
        return self.path / "manifest.json"

    @property
    def records(self) -> Path:
        """The truth: every attempt and epoch."""
        return self.path / "records.db"

    @property
    def search(self) -> Path:
        """Optuna's own storage."""
        return self.path / "optuna.db"

    @property
    def models(self) -> Path:
        """The best trials' models."""
        return self.path / "models"

    @property
    def checkpoints(self) -> Path:
        """Of running trials."""
        return self.path / "checkpoints"

    @property
    def report(self) -> Path:
        """The report's folder."""
        return self.path / "report"

    @property
    def holds_foreign_files(self) -> bool:
        """Whether it holds anything else than what a study leaves that died before it had begun."""
        ours = {"lock", self.manifest.name, self.records.name, f"{self.records.name}-journal"}
        return self.path.is_dir() and any(
            p.name not in ours and not TEMPORARY_PATTERN.fullmatch(p.name) for p in self.path.iterdir()
        )

    def sweep(self) -> None:
        """Remove the half-written files of a process that died; only the lock's holder may."""
        for path in self.path.rglob(".*.tmp"):
            if TEMPORARY_PATTERN.fullmatch(path.name):
                remove(path)

    def require(self) -> StudyDirectory:
        """Return itself where it holds a study.

        Raises:
            StudyError: If it does not.
        """
        if not self.spec.is_file():
            raise StudyError(f"a study directory holds study.yaml: {self.path} does not; see `study list`")
        return self

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory against every other process; the kernel frees it, however this one ends.

        Raises:
            LockedError: If another process holds it, named as far as it is known.
            EnvironmentFaultError: If the directory cannot be written.
        """
        with disk_faults(self.path):
            make_folder(self.path)
            # Without a buffer: what could not be written would be tried again where the file is closed.
            stream = (self.path / "lock").open("ab+", buffering=0)
        with stream:
            with disk_faults(self.path):
                _take(stream, self.path)
            try:
                yield
            finally:
                _give_back(stream)


def _take(stream: BinaryIO, folder: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LockedError(
            f"one process runs a study: {folder} is held by {_read_holder(stream)}; wait for it or stop it"
        ) from error
    stream.truncate(0)
    stream.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())


def _give_back(stream: BinaryIO) -> None:
    """Take the name away: whoever lives on holds the study no more."""
    try:
        stream.truncate(0)
    except OSError as error:
        # The kernel frees the lock all the same, and what the leg did is done, or has failed by itself.
        logger.info("%s goes on naming this process: %s", stream.name, error.strerror)


def _read_holder(stream: BinaryIO) -> str:
    """Return who holds a lock; it may have taken it this moment, and not have put its name there yet."""
    deadline = time.monotonic() + HOLDER_NAMED_S
    while True:
        stream.seek(0)
        name = stream.read(200).decode(errors="replace").strip()
        if _may_hold(name) or time.monotonic() > deadline:
            return name or "another process"
        time.sleep(0.02)


def _may_hold(name: str) -> bool:
    """Whether a lock's holder may be called so: one that was killed leaves its name, too."""
    process = re.fullmatch(r"process (\d+) on (.+)", name)
    if process is None or process[2] != socket.gethostname():
        return process is not None
    try:
        os.kill(int(process[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replace a file whole: a reader, or a power cut, sees the old content or the new.

    Raises:
        EnvironmentFaultError: If the disk does not take it; the old content stays, or the new is there whole.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_faults(path):
        make_folder(path.parent)
        try:
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        except OSError:
            with suppress(OSError):  # a disk that takes nothing any more; the next leg sweeps
                temporary.unlink(missing_ok=True)
            raise


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
