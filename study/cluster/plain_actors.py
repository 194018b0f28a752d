"""Tune's actors without an environment of their own, so that they take the workers that Ray has ready."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.tune.execution import tune_controller


class _PlainActors:
    """What Tune's controller asks for actor classes."""

    def __init__(self) -> None:
        self._actors: dict[type, Any] = {}

    def get(self, trainable: type) -> Any:
        """Return the actor class of a trainable, the same whenever asked."""
        if trainable not in self._actors:
            self._actors[trainable] = ray.remote(trainable)
        return self._actors[trainable]


@contextmanager
def plain_actors() -> Iterator[None]:
    """Let Tune (2.60) give its actors no environment variables for as long as this lasts.

    It passes on those of other frameworks, PyTorch Lightning's and the cloud's, which our workers never read.
    An actor with variables of its own gets a new process, which an agent of Ray's prepares; the workers that
    Ray has started by then are thrown away.
    """
    original = tune_controller._ActorClassCache
    tune_controller._ActorClassCache = _PlainActors
    try:
        yield
    finally:
        tune_controller._ActorClassCache = original
