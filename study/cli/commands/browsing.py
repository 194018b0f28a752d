"""Commands that only look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.flags import DATA, Given, say_command, takes
from study.cli.options import parse_settings
from study.spec.keys import put_setting


def list_studies(
    out: Annotated[Path, typer.Argument(help="Folder of studies.")] = Path("studies"),
) -> None:
    """List the studies in a folder."""
    from study.cli.tables import print_studies

    print_studies(out)


def presets() -> None:
    """List the studies that come with the package."""
    from study.cli.tables import print_presets

    print_presets()


@takes(DATA)
def data(
    source: Annotated[str, typer.Argument(help="docstrings, imdb, recall, or a path.")] = "docstrings",
    *,
    given: Given,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any key of the spec's data section."),
    ] = None,
) -> None:
    """Describe a data set before anyone trains on it."""
    from study.cli.tables import print_data

    document: dict[str, Any] = {"source": source}
    for key, value in [*given.items(), *parse_settings(settings)]:
        if value is not None:
            put_setting(document, key.removeprefix("data."), value)
    print_data(document, say_command(source, given, settings))
