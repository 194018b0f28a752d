"""Commands that train."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.commands.planning import say_price
from study.cli.flags import GROWTH, RUN, Given, takes
from study.cli.options import (
    Address,
    Like,
    MovedData,
    Settings,
    Spec,
    Studies,
    StudyPath,
    gather_spec,
    parse_settings,
)

if TYPE_CHECKING:
    from study.running.result import StudyResult
    from study.spec.schema import StudySpec

    Verb = Callable[..., StudyResult]
    """A verb of `study.running.verbs`, which takes a while to import, and wants a listener yet."""


@takes(RUN)
def run(
    spec: Spec = None,
    out: Studies = Path("studies"),
    *,
    given: Given,
    like: Like = None,
    settings: Settings = None,
    address: Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing; say what it will cost, as `study price` does.")
    ] = False,
) -> None:
    """Run a study, or continue it where it stopped."""
    if dry_run:
        say_price(gather_spec(spec, given, settings, like=like))
        return
    from study.data import reading_once

    with reading_once():  # ranges that suit the texts follow from them, too
        checked = gather_spec(spec, given, settings, like=like)
        from study.running.verbs import run_study

        finish(checked, partial(run_study, checked, out, address=address))


def resume(path: StudyPath, data: MovedData = None, address: Address = None) -> None:
    """Continue an interrupted study."""
    from study.running.verbs import resume_study

    _go_on(path, partial(resume_study, data=data, address=address))


def retry(path: StudyPath, address: Address = None) -> None:
    """Train again what failed or took too long."""
    from study.running.verbs import retry_study

    _go_on(path, partial(retry_study, address=address))


@takes(GROWTH)
def extend(
    path: StudyPath,
    *,
    given: Given,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another amount, e.g. design.points=3."),
    ] = None,
    address: Address = None,
) -> None:
    """Grow a study by trials, seeds, epochs or a larger plan, and train what is missing."""
    from study.running.verbs import extend_study

    changes = {key: value for key, value in given.items() if value is not None}
    changes |= dict(parse_settings(settings))
    _go_on(path, partial(extend_study, changes=changes, address=address))


def confirm(
    path: StudyPath,
    top: Annotated[
        int | None, typer.Option(help="How many of the best settings: 3, or 1 of each with --top-per.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Fresh seeds for each.")] = 5,
    top_per: Annotated[
        str | None,
        typer.Option(metavar="PARAMETER", help="The best of each of its values, e.g. of each cell."),
    ] = None,
    address: Address = None,
) -> None:
    """Train the best settings again on fresh seeds, and open the test split once for each."""
    from study.running.verbs import confirm_study

    _go_on(path, partial(confirm_study, top=top, n_seeds=seeds, top_per=top_per, address=address))


def _go_on(path: Path, verb: Verb) -> None:
    """Run a leg of a study that is there."""
    from study.store.directory import StudyDirectory

    finish(StudyDirectory(path).require().read_spec(), partial(verb, path))


def finish(spec: StudySpec, leg: Verb) -> None:
    """Run a leg under a console, print its closing lines, and exit with its status."""
    from rich.console import Console

    from study.cli.console import print_result
    from study.cli.live import make_listener
    from study.machine.signals import ignore_signals

    console = Console(highlight=False)
    with make_listener(console, spec) as listener:
        result = leg(listener=listener)
    if result.stop_signal is not None:
        ignore_signals()
    print_result(console, result)
    raise typer.Exit(result.exit_status)
