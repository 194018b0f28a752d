"""A watch over what a driver needs of Ray, which says that it is lost before Ray ends the process unasked.

Ray's own C++ ends a process whose head has been silent for a minute, past all handlers, with Ray's message;
and one whose raylet, Ray's process on the same machine, is gone, in a quarter of a minute. It does so
wherever the main thread is, so that only another thread can be first.
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
_ASK_AGAIN_S = 0.2
_SIGNAL_S = 0.5
"""So long a signal may come after the raylet's end that was sent to both."""

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
def watch_ray(
    on_lost: Callable[[EnvironmentFaultError], None],
    way_out: Callable[[], str],
    is_ending: Callable[[], bool],
) -> Iterator[None]:
    """Watch the head of the cluster that this process has joined, and its raylet beside this process.

    Once one is lost, `on_lost` hears why, on another thread, and the process ends at once with the error's
    exit status: whatever was recorded is committed, and the main thread may never return from Ray. Ray would
    end the process anyway, a little later.

    Args:
        on_lost: Hears why.
        way_out: How to go on, the end of the error's sentence.
        is_ending: Whether this process was asked to end: whoever ends a control group ends its raylet, too.
    """
    import ray

    here = ray.get_runtime_context()
    address, node_id = here.gcs_address, here.get_node_id()
    patience_s = rays_share()
    head = HeadWatch(lambda: answers(address), patience_s)
    raylet = next((node["RayletSocketName"] for node in ray.nodes() if node["NodeID"] == node_id), None)
    is_over = threading.Event()

    def leave(why: str) -> None:
        on_lost(EnvironmentFaultError(f"{why}; nothing that was recorded is lost, {way_out()}"))
        _leave(EnvironmentFaultError.exit_status)

    def keep_watch_over_head() -> None:
        while not is_over.wait(min(_ANSWER_S, patience_s / 5.0)):
            if head.is_lost() and not is_over.is_set():
                silent = f"{address} has been silent for {patience_s:.0f} s"
                leave(f"a study needs the head of its Ray cluster: {silent}")

    def keep_watch_over_raylet(socket_path: str) -> None:
        await_end(socket_path)
        # One whose head is gone ends, too; that is said by the other watch.
        if not is_over.wait(_SIGNAL_S) and not is_ending() and answers(address):
            leave("a study needs the raylet of its Ray, a process on this machine: it has ended")

    watches = [threading.Thread(target=keep_watch_over_head, name="watch over the head", daemon=True)]
    if raylet is not None:
        watches.append(
            threading.Thread(
                target=keep_watch_over_raylet, args=(raylet,), name="watch over the raylet", daemon=True
            )
        )
    for watch in watches:
        watch.start()
    try:
        yield
    finally:
        is_over.set()


def rays_share() -> float:
    """Return for how many seconds what Ray needs may be silent, or gone: less than Ray's C++ waits."""
    return PATIENCE_SHARE * float(os.environ.get(RAYS_PATIENCE_VARIABLE, RAYS_PATIENCE_S))


def await_answer(address: str, patience_s: float) -> bool:
    """Return whether a gRPC server comes to answer at `host:port` in time.

    Ray looks for one that is named by loopback at this machine's own address, where alone it may listen.
    """
    host, _, port = address.rpartition(":")
    places = [address]
    if host in ("localhost", "127.0.0.1", "[::1]") and (own := _own_address()) is not None:
        places.append(f"{own}:{port}")
    deadline = time.monotonic() + patience_s
    while not any(answers(place) for place in places):
        if time.monotonic() + _ASK_AGAIN_S > deadline:
            return False
        time.sleep(_ASK_AGAIN_S)
    return True


def _own_address() -> str | None:
    """Return what other machines call this one, as Ray finds it; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.connect(("8.8.8.8", 80))
            return str(connection.getsockname()[0])
    except OSError:
        return None


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
    except (OSError, OverflowError):  # of a port, too, that is none
        return False


def await_end(socket_path: str) -> None:
    """Return when nobody listens at a Unix socket any more: a connection ends with whoever does."""
    while True:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(socket_path)
                connection.recv(1)  # nothing is ever sent
            except (ConnectionRefusedError, FileNotFoundError):
                return
            except OSError:
                pass
        time.sleep(_ASK_AGAIN_S)


def _leave(status: int) -> None:
    """End the process wherever its other threads are."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
