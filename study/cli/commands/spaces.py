"""The command that reads, describes and translates search spaces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def space(
    file: Annotated[
        Path | None,
        typer.Argument(help="A space, or a file of another tool; without it, the recurrent space."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORM",
            help="yaml, json, wandb, katib, synetune, kerastuner, ax, vizier, nni, configspace or optuna.",
            show_default="told from the content",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORM",
            help="Write it as yaml, json, json-schema, configspace, optuna, ray, wandb, katib or synetune.",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="Go without its conditions, constraints, defaults or weights; may be repeated.",
        ),
    ] = None,
) -> None:
    """Show a search space, or translate it: what another tool cannot keep is refused by name."""
    from search_spaces.conversion import convert, describe
    from search_spaces.writers import write_space

    if file is None:
        from search_spaces import recurrent_space

        shown = recurrent_space()
        if target:
            sys.stdout.write(write_space(shown, target))
            return
    else:
        converted = convert(file, source, target, drop or [])
        print(*converted.notes, sep="\n", file=sys.stderr)
        if target:
            sys.stdout.write(converted.text)
            return
        shown = converted.space
    from rich.console import Console

    Console().print(shown)
    if file is not None:
        print(describe(shown), end="")
