"""Checkpoints of running trials: one a replicate, checked before it is believed, gone when the trial ends."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from study.store.files import remove, write_atomically
from study.trial import Assignment

logger = logging.getLogger(__name__)

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """What continues a replicate after `epoch`."""

    epoch: int
    content: bytes


class CheckpointFolder:
    """The checkpoints of one study.

    A file is named by replicate and epoch, and starts with the SHA-256 of the rest: a further attempt at a
    replicate finds what the last one left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, assignment: Assignment, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in place of the last."""
        path = self._folder / f"{_stem(assignment)}-epoch-{checkpoint.epoch}"
        write_atomically(path, hashlib.sha256(checkpoint.content).digest() + checkpoint.content)
        self._remove(assignment, keep=path)

    def load(self, assignment: Assignment) -> Checkpoint | None:
        """Return the newest sound checkpoint, None where there is none: then the replicate starts anew."""
        for path in sorted(self._of(assignment), key=_epoch_of, reverse=True):
            data = path.read_bytes()
            digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
            if hashlib.sha256(content).digest() == digest:
                return Checkpoint(_epoch_of(path), content)
            logger.warning("checkpoint %s is damaged: the trial starts from an earlier one or anew", path)
        return None

    def held_of(self, assignments: Iterable[Assignment]) -> list[Assignment]:
        """Return those of which there is a checkpoint, sound or not."""
        return [assignment for assignment in assignments if self._of(assignment)]

    def discard(self, assignment: Assignment) -> None:
        """Remove a replicate's checkpoints."""
        self._remove(assignment, keep=None)

    def keep_only(self, assignments: Iterable[Assignment]) -> None:
        """Remove all but the checkpoints of these."""
        kept = {path for assignment in assignments for path in self._of(assignment)}
        for path in self._folder.glob("*"):
            if path not in kept:
                remove(path)

    def _remove(self, assignment: Assignment, keep: Path | None) -> None:
        for path in self._of(assignment):
            if path != keep:
                remove(path)

    def _of(self, assignment: Assignment) -> list[Path]:
        pattern = re.compile(rf"{_stem(assignment)}-epoch-\d+")
        return [p for p in self._folder.glob(f"{_stem(assignment)}-*") if pattern.fullmatch(p.name)]


def _stem(assignment: Assignment) -> str:
    phase = "" if assignment.phase == "search" else f"{assignment.phase}-"
    return f"trial-{assignment.trial:04d}-{phase}replicate-{assignment.replicate}"


def _epoch_of(path: Path) -> int:
    return int(path.name.rpartition("-")[2])
