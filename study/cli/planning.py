"""Commands that say what a study would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.options import (
    Data,
    Epochs,
    LimitTrain,
    Seeds,
    Settings,
    Spec,
    Trials,
    Workers,
    gather_spec,
)

if TYPE_CHECKING:
    from study.spec.schema import StudySpec


def plan(
    spec: Spec,
    trials: Trials = None,
    epochs: Epochs = None,
    seeds: Seeds = None,
    settings: Settings = None,
    listed: Annotated[bool, typer.Option("--list", help="List the settings, where they are fixed.")] = False,
) -> None:
    """Say how much a study trains, and what it can and cannot answer; run nothing."""
    from rich.console import Console

    from study.cli.console import print_plan
    from study.search.samplers import check_sampler

    options = {"design.trials": trials, "training.max_epochs": epochs, "seeds": seeds}
    checked = gather_spec(spec, options, settings)
    check_sampler(checked.design, checked.space)
    print_plan(Console(highlight=False), checked, listed=listed)


def price(
    spec: Spec,
    data: Data = None,
    trials: Trials = None,
    epochs: Epochs = None,
    seeds: Seeds = None,
    limit_train: LimitTrain = None,
    settings: Settings = None,
    workers: Workers = None,
) -> None:
    """Say what a study will cost, from a few training steps on this machine; half a minute."""
    options = {
        "data.source": data,
        "design.trials": trials,
        "training.max_epochs": epochs,
        "seeds": seeds,
        "data.limit_train": limit_train,
    }
    say_price(gather_spec(spec, options, settings), workers)


def say_price(spec: StudySpec, workers: int | None) -> None:
    """Work out and print what a study will cost.

    Args:
        spec: The study.
        workers: Runs at once; as many as fit on this machine by default.

    Raises:
        StudyError: If the study cannot be run.
    """
    from rich.console import Console

    from study.cli.console import print_price
    from study.forecast.pricing import price_study
    from study.search.samplers import check_sampler

    check_sampler(spec.design, spec.space)
    console = Console(highlight=False)
    console.print("[dim]timing a few settings ...[/dim]")
    print_price(console, spec, price_study(spec, n_workers=workers))
