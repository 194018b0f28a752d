"""What ends a leg before its search does: a signal, or a time budget that is spent."""

from __future__ import annotations

import logging
import math
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from study.machine.processes import end_local_ray

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATIENCE_S = 3.0
"""So long after a signal may a leg take to end in order; then the process ends wherever it is."""


@dataclass
class Interruption:
    """Why a leg should end now, if it should.

    A signal's handler must not raise: in the middle of an import, say, Python drops what it raises, or leaves
    a lock behind that nobody has. So it ends the process, as SIGKILL would: whatever that was doing can be
    done again. At a prompt or in a notebook, whose process has more to lose, it raises all the same.

    Attributes:
        deadline: The monotonic time at which its budget is spent, None without a budget.
        reason: Set once it is due.
        signal: The signal that asked for it, if one did.
    """

    deadline: float | None = None
    reason: str | None = None
    signal: int | None = None
    _is_in_order: bool = False

    def is_due(self) -> bool:
        """Whether to stop now."""
        if self.reason is None and self.deadline is not None and time.monotonic() >= self.deadline:
            self.reason = "its time budget is spent"
        return self.reason is not None

    def is_signalled(self) -> bool:
        """Whether a signal asked for it."""
        return self.signal is not None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let SIGINT or SIGTERM end the process at once."""
        with self._enforcing(), _handling(self._on_signal_at_once):
            yield

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Let the first SIGINT or SIGTERM end the leg in order, and the second the process at once.

        What is raised after a signal ends here: who sends one to the whole group ends Ray's processes, too,
        and what then fails is nobody's fault. Only within `at_once`.
        """
        with _handling(self._on_signal_in_order):
            self._is_in_order = True
            try:
                yield
            except Exception as error:
                if self.signal is None:
                    raise
                logger.info("after %s: %s", self.reason, error)
            finally:
                self._is_in_order = False

    def _on_signal_at_once(self, number: int, frame: FrameType | None) -> None:
        self._leave(number)

    def _on_signal_in_order(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            self._leave(number)
        self.signal, self.reason = number, f"signal {signal.Signals(number).name}"

    @contextmanager
    def _enforcing(self) -> Iterator[None]:
        if _is_interactive() or threading.current_thread() is not threading.main_thread():
            yield
            return
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.setblocking(False)
            thread = threading.Thread(target=self._enforce, args=(reader,), name="signals", daemon=True)
            thread.start()
            # Python writes a signal's number there when it comes, wherever the main thread is.
            earlier = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            try:
                yield
            finally:
                signal.set_wakeup_fd(earlier)
                writer.shutdown(socket.SHUT_WR)
                thread.join()

    def _enforce(self, reader: socket.socket) -> None:
        """End the process where a signal asks for it and the main thread does not come to its handler."""
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        first, deadline = 0, math.inf
        while poll.poll(None if first == 0 else max(0.0, 1e3 * (deadline - time.monotonic()))):
            number = int.from_bytes(reader.recv(1), "big")
            if number == 0:  # nothing comes any more
                return
            if number in SIGNALS:
                # The main thread may have handled it by now, and be done with what it had to end in order.
                if first != 0 or not (self._is_in_order or self.signal is not None):
                    self._leave(number)
                first, deadline = number, time.monotonic() + PATIENCE_S
        self._leave(first)

    def _leave(self, number: int) -> None:
        self.signal = number  # Ray ends with us: whoever watches over it need not say so
        _leave(number)


def ignore_signals() -> None:
    """Let no further signal end the process, which ends by itself, with the status of the first.

    Python puts SIGINT's own handler back when it ends: whoever pressed Ctrl-C once more would see a
    traceback, or another status.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _is_interactive() -> bool:
    return hasattr(sys, "ps1")


def _leave(number: int) -> None:
    if _is_interactive():
        raise SystemExit(128 + number)
    # On the main thread, which therefore waits for nothing of Ray's, or on ours where that cannot be had.
    # Nothing is flushed: who was interrupted may hold the streams.
    end_local_ray(with_forks=True)
    os._exit(128 + number)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; elsewhere its owner does
        return
    previous: dict[signal.Signals, Any] = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)
