"""A watch over the head of a Ray cluster, which says that it is lost before Ray ends the process unasked.

Ray's own C++ ends a process whose head has been silent for a minute, past all handlers, with Ray's message.
It does so wherever the main thread is, so that only another thread can be first.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from study.errors import EnvironmentFaultError

RAYS_PATIENCE_VARIABLE = "RAY_gcs_rpc_server_reconnect_timeout_s"
RAYS_PATIENCE_S = 60.0
PATIENCE_SHARE = 0.75
"""Of Ray's patience: a head that comes back in time ends no study, and ours ends before Ray's."""

_ANSWER_S = 5.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How a client of gRPC begins (RFC 9113, section 3.4), settings left empty: the server sends its own."""


class HeadWatch:
    """Decides when a head counts as lost.

    Args:
        answers: Says whether the head answers now.
        patience_s: For how long it may be silent.
        clock: Monotonic seconds.
    """

    def __init__(
        self, answers: Callable[[], bool], patience_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._answers, self._patience_s, self._clock = answers, patience_s, clock
        self._silent_since: float | None = None

    def is_lost(self) -> bool:
        """Ask once more."""
        asked = self._clock()
        if self._answers():
            self._silent_since = None
            return False
        if self._silent_since is None:
            self._silent_since = asked
        return self._clock() - self._silent_since >= self._patience_s


@contextmanager
def watch_head(on_lost: Callable[[EnvironmentFaultError], None], way_out: str) -> Iterator[None]:
    """Watch the head of the cluster that this process has joined.

    Once it is lost, `on_lost` hears why, on another thread, and the process ends at once with the error's
    exit status: whatever was recorded is committed, and the main thread may never return from Ray. Ray would
    end the process anyway, a little later.

    Args:
        on_lost: Hears why.
        way_out: How to go on, the end of the error's sentence.
    """
    import ray

    address = ray.get_runtime_context().gcs_address
    patience_s = rays_share()
    watch = HeadWatch(lambda: answers(address), patience_s)
    is_over = threading.Event()

    def keep_watch() -> None:
        while not is_over.wait(min(_ANSWER_S, patience_s / 5.0)):
            if watch.is_lost() and not is_over.is_set():
                on_lost(
                    EnvironmentFaultError(
                        f"a study needs the head of its Ray cluster: {address} has been silent for "
                        f"{patience_s:.0f} s; nothing that was recorded is lost, {way_out}"
                    )
                )
                _leave(EnvironmentFaultError.exit_status)

    threading.Thread(target=keep_watch, name="watch over the head", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def rays_share() -> float:
    """Return for how many seconds what Ray needs may be silent, or gone: less than Ray's C++ waits."""
    return PATIENCE_SHARE * float(os.environ.get(RAYS_PATIENCE_VARIABLE, RAYS_PATIENCE_S))


def answers(address: str, timeout_s: float = _ANSWER_S) -> bool:
    """Return whether a gRPC server answers at `host:port`, and not only its kernel.

    A process that is stopped, or hangs, still has its connections accepted. Where Ray uses TLS a server says
    nothing to a stranger, and the connection must do.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s) as connection:
            if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
                return True
            connection.sendall(_PREFACE)
            return bool(connection.recv(1))
    except OSError:
        return False


def _leave(status: int) -> None:
    """End the process wherever its other threads are."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
