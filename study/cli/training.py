"""Commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.flags import STUDY, Given, takes
from study.cli.options import (
    Address,
    AuditPruned,
    Data,
    Epochs,
    MovedData,
    Seeds,
    Settings,
    Spec,
    Studies,
    StudyPath,
    Trials,
    WarmStarts,
    gather_spec,
)
from study.cli.planning import say_price


@takes(STUDY)
def run(
    spec: Spec = None,
    data: Data = None,
    name: Annotated[str | None, typer.Option(help="Name of the study and of its folder.")] = None,
    out: Studies = Path("studies"),
    trials: Trials = None,
    epochs: Epochs = None,
    seeds: Seeds = None,
    *,
    given: Given,
    cells: Annotated[str | None, typer.Option(help="auto, or keras: never use compiled cells.")] = None,
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Record how far back in time the gradient reaches.")
    ] = False,
    audit_pruned: AuditPruned = None,
    warm_start: WarmStarts = None,
    settings: Settings = None,
    address: Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing; say what it will cost, as `study price` does.")
    ] = False,
) -> None:
    """Run a study, or continue it where it stopped."""
    options = {
        "name": name,
        "data.source": data,
        "design.trials": trials,
        "training.max_epochs": epochs,
        "seeds": seeds,
        "training.cells": cells,
        "training.gradients": gradients or None,
        "design.audit_pruned": audit_pruned,
        "warm_start": warm_start or None,
        **given,
    }
    checked = gather_spec(spec, options, settings)
    if dry_run:
        say_price(checked)
        return
    finish(lambda listener: load_verbs().run_study(checked, out, address=address, listener=listener), checked)


def resume(path: StudyPath, data: MovedData = None, address: Address = None) -> None:
    """Continue an interrupted study."""
    from study.store.directory import StudyDirectory

    verbs = load_verbs()
    spec = StudyDirectory(path).require().read_spec()
    finish(lambda listener: verbs.resume_study(path, data=data, address=address, listener=listener), spec)


def retry(path: StudyPath, address: Address = None) -> None:
    """Train again what failed or took too long."""
    from study.store.directory import StudyDirectory

    verbs = load_verbs()
    spec = StudyDirectory(path).require().read_spec()
    finish(lambda listener: verbs.retry_study(path, address=address, listener=listener), spec)


def confirm(
    path: StudyPath,
    top: Annotated[int, typer.Option(help="How many of the best settings.")] = 3,
    seeds: Annotated[int, typer.Option(help="Fresh seeds for each.")] = 5,
    address: Address = None,
) -> None:
    """Train the best settings again on fresh seeds, and open the test split once for each."""
    from study.store.directory import StudyDirectory

    verbs = load_verbs()
    spec = StudyDirectory(path).require().read_spec()
    finish(
        lambda listener: verbs.confirm_study(
            path, top=top, n_seeds=seeds, address=address, listener=listener
        ),
        spec,
    )


def load_verbs() -> Any:
    """Return `study.running.verbs`, which takes a while to import."""
    from study.running import verbs

    return verbs


def finish(leg: Any, spec: Any) -> None:
    """Run a leg under a console, print its closing lines, and exit with its status."""
    from rich.console import Console

    from study.cli.console import ConsoleListener, print_result
    from study.machine.signals import ignore_signals

    console = Console(highlight=False)
    result = leg(ConsoleListener(console, spec))
    if result.stop_signal is not None:
        ignore_signals()
    print_result(console, result)
    if result.stop_signal is not None:
        raise typer.Exit(128 + result.stop_signal)
    raise typer.Exit(1 if result.n_failed or result.missing else 0)
