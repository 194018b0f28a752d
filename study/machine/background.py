"""Work done in the background: on a thread of its own, while the process waits for something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A computation that is begun once; whoever needs its result waits for it.

    The process does not: where it ends early, what is in the background ends with it.

    Args:
        compute: Called once, on another thread.
    """

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Begin, unless it was."""
        if self._thread.ident is None:
            self._thread.start()

    def result(self) -> T:
        """Return what was computed, or raise what was raised; begin it if nobody has."""
        self.begin()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._compute())
        except BaseException as error:
            self._error = error


def import_in_background(*names: str) -> None:
    """Import modules that are needed soon; whoever needs one earlier finds it under way, and waits.

    What cannot be imported is left to whoever needs it, to say so.
    """
    Background(lambda: [import_module(name) for name in names]).begin()
