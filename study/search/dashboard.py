"""optuna-dashboard as an application that a web server calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from search_spaces.extras import needed_by

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""What WSGI (PEP 3333) calls so."""

HERE = frozenset({"127.0.0.1", "localhost"})
"""Names under which a browser may ask: another may be a page's from elsewhere that had it point here."""


def make_dashboard(path: Path) -> Application:
    """Return the dashboard of a file of Optuna's; it writes there what a person notes in it.

    Raises:
        ModuleNotFoundError: If optuna-dashboard is not installed.
    """
    with needed_by("study.dashboard"):
        from optuna_dashboard import wsgi
    from optuna.storages import RDBStorage
    from sqlalchemy import URL

    # A path may hold what means something else in a URL.
    url = URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    dashboard: Application = wsgi(RDBStorage(url))

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_HOST", "").rpartition(":")[0] in HERE:
            return dashboard(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"this dashboard answers 127.0.0.1 and localhost alone\n"]

    return answer
