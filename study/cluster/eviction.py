"""Workers that Ray killed for memory, told to Tune as lost workers: it knows no other way to bear them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ray._private import serialization
from ray.exceptions import OutOfMemoryError, RayActorError


class EvictedError(OutOfMemoryError, RayActorError):  # type: ignore[misc]
    """Ray's memory monitor killed a worker, before the machine had no memory left."""

    def __init__(self, message: str) -> None:
        RayActorError.__init__(self, error_msg=message)
        self.message = message


@contextmanager
def evictions_as_losses() -> Iterator[None]:
    """Let Ray raise `EvictedError` in this process where it would raise `OutOfMemoryError`.

    Tune hears that an actor is lost by `RayActorError`, which Ray's own error for an actor killed for memory
    is not (2.60): it would end with all its trials.
    """
    serialization.OutOfMemoryError = EvictedError
    try:
        yield
    finally:
        serialization.OutOfMemoryError = OutOfMemoryError
