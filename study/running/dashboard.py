"""optuna-dashboard on a study that is done, was interrupted or runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from study.errors import StudyError
from study.running.publication import export_search
from study.search.dashboard import make_dashboard
from study.store.directory import StudyDirectory

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
PORTS = (*range(8080, 8100), 0)
"""Tried one after another; 0 is any that is free."""

REFRESH_S = 3.0
"""So often, at most, are the records looked at; and a tenth of the time goes into it, at most."""


class Dashboard:
    """A dashboard that a browser of this machine sees at `url`, until it is closed.

    Args:
        directory: The study's.
        port: On which it is; None for the first that is free from 8080 on.

    Raises:
        StudyError: If there is no study, or the port is taken.
        EnvironmentFaultError: If `optuna.db` cannot be written.
        ModuleNotFoundError: If optuna-dashboard is not installed.
    """

    def __init__(self, directory: StudyDirectory, port: int | None = None) -> None:
        self._directory = directory.require()
        self._shown = self._look()
        export_search(directory)
        self._server = _bind(PORTS if port is None else (port,))
        self._server.set_app(make_dashboard(directory.optuna))
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=target, name=f"dashboard of {directory.path}", daemon=True)
            for target in (self._server.serve_forever, self._keep_up)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self._server.server_port}/"

    def wait(self) -> None:
        """Return when it is closed."""
        self._closing.wait()

    def close(self) -> None:
        """Take it away."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Dashboard of {self._directory.path}: {self.url}>"

    def _keep_up(self) -> None:
        """Bring `optuna.db` up to date whenever the records have grown."""
        pause_s = REFRESH_S
        while not self._closing.wait(pause_s):
            found = self._look()
            if found == self._shown:
                continue
            began_s = time.monotonic()
            try:
                export_search(self._directory)
                self._shown = found
            except (StudyError, ValueError, OSError) as error:
                logger.warning("the dashboard shows what was before: %s", error)
            pause_s = max(REFRESH_S, 10.0 * (time.monotonic() - began_s))

    def _look(self) -> tuple[int, int]:
        """What changes with every commit."""
        try:
            found = self._directory.records.stat()
        except FileNotFoundError:
            return 0, 0  # and then there is none to export, which is said
        return found.st_mtime_ns, found.st_size


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A line a request would hide all else on the terminal."""
        logger.debug(format, *args)


def _bind(ports: Iterable[int]) -> WSGIServer:
    for port in ports:
        try:
            return _Server((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            last = (
                f"a dashboard needs a free port: {port} is not ({said}); leave the port out to have one found"
            )
    raise StudyError(last)
