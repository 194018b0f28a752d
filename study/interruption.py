"""What ends a leg before its search does: a signal, or a time budget that is spent."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass
class Interruption:
    """Why a leg should end now, if it should.

    Attributes:
        deadline: The monotonic time at which its budget is spent, None without a budget.
        reason: Set once it is due.
        signal: The signal that asked for it, if one did.
    """

    deadline: float | None = None
    reason: str | None = None
    signal: int | None = None

    def is_due(self) -> bool:
        """Whether to stop now."""
        if self.reason is None and self.deadline is not None and time.monotonic() >= self.deadline:
            self.reason = "its time budget is spent"
        return self.reason is not None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let SIGINT or SIGTERM end the process at once: whatever it was doing can be done again."""
        with _handling(self._on_signal_at_once):
            yield

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Let the first SIGINT or SIGTERM end the leg in order, and the second the process at once."""
        with _handling(self._on_signal_in_order):
            yield

    def _on_signal_at_once(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def _on_signal_in_order(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise SystemExit(128 + number)
        self.signal, self.reason = number, f"signal {signal.Signals(number).name}"


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; elsewhere its owner does
        return
    previous: dict[signal.Signals, Any] = {
        number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)
