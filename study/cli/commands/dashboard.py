"""The command that shows a study in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from study.cli.options import StudyPath


def dashboard(
    path: StudyPath,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="On which it listens.", show_default="the first free from 8080 on"
        ),
    ] = None,
) -> None:
    """Show a study in optuna-dashboard, on this machine alone, also while it runs; Ctrl-C ends it."""
    from study.running.dashboard import Dashboard
    from study.store.directory import StudyDirectory

    with Dashboard(StudyDirectory(path), port) as shown:
        print(shown.url, flush=True)
        try:
            shown.wait()
        except KeyboardInterrupt:
            print()
