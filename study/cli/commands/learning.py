"""The command that asks what more text would bring."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from study.cli.commands.planning import say_price
from study.cli.commands.training import finish
from study.cli.flags import LEARNING, Given, takes
from study.cli.options import Address, Settings, Studies, gather_spec


@takes(LEARNING)
def learn(
    data: Annotated[str, typer.Argument(help="Source of the texts: a name or a path.", show_default=False)],
    sizes: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...", help="Amounts of training text.", show_default="an eighth to all of them"
        ),
    ] = None,
    out: Studies = Path("studies"),
    *,
    given: Given,
    settings: Settings = None,
    address: Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing; say what it will cost, as `study price` does.")
    ] = False,
) -> None:
    """Say what more text would bring: accuracy by amount of training text, beside the lines to beat."""
    from study.spec.learning import learning_document

    derive = partial(learning_document, sizes=_read_sizes(sizes))
    checked = gather_spec(None, {"data.source": data, **given}, settings, derive)
    if dry_run:
        say_price(checked)
        return
    from study.running.verbs import run_study

    finish(checked, partial(run_study, checked, out, address=address))


def _read_sizes(text: str | None) -> list[int] | None:
    from study.errors import StudyError

    try:
        return [int(size.replace("_", "")) for size in text.split(",")] if text is not None else None
    except ValueError as error:
        raise StudyError(
            f"--sizes are whole numbers with commas between them: {text!r} is not; write e.g. 2000,4000,8000"
        ) from error
