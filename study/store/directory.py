"""A study's directory: where each file lies, and who may write."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from analysis.records.atomic import TEMPORARY_PATTERN
from analysis.records.plain import find_odd
from study.errors import IntegrityError, LockedError, StudyError
from study.store.files import disk_faults, make_folder, remove

if TYPE_CHECKING:
    from study.spec.schema import StudySpec

logger = logging.getLogger(__name__)

HOLDER_NAMED_S = 1.0
"""Who is refused waits so long, at most, for the name of the holder."""


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
    def optuna(self) -> Path:
        """The search as Optuna would store it, made from the records."""
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

    def read_spec(self) -> StudySpec:
        """Read what the study was asked to do.

        Raises:
            StudyError: If the file is missing or no spec.
        """
        from study.spec.documents import read_document
        from study.spec.schema import StudySpec

        return StudySpec.from_document(read_document(self.spec), str(self.spec))

    def require(self) -> StudyDirectory:
        """Return itself where it holds a study.

        Raises:
            StudyError: If it does not.
        """
        for path, fault in find_odd(self.path):
            raise IntegrityError(f"a study is files and folders: {path} {fault}; restore it from a copy")
        if not self.spec.is_file():
            if (self.path / "trials.parquet").is_file():
                raise StudyError(
                    f"{self.path} holds runs of another tool, or tables alone: it can be reported, compared "
                    "and exported; what ran it goes on with it"
                )
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


def is_held(folder: Path) -> bool:
    """Return whether a process is at work on the study in a folder; nothing is written to find out."""
    try:
        with (folder / "lock").open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


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
