"""Commands that say what a study would do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.flags import DATA, Given, takes
from study.cli.options import (
    Data,
    Epochs,
    Seeds,
    Settings,
    Spec,
    Trials,
    Workers,
    gather_spec,
)

if TYPE_CHECKING:
    from study.spec.schema import StudySpec


@takes(DATA)
def plan(
    spec: Spec,
    trials: Trials = None,
    epochs: Epochs = None,
    seeds: Seeds = None,
    *,
    given: Given,
    settings: Settings = None,
    listed: Annotated[bool, typer.Option("--list", help="List the settings, where they are fixed.")] = False,
) -> None:
    """Say how much a study trains, and what it can and cannot answer; run nothing."""
    from rich.console import Console

    from study.cli.console import print_plan
    from study.search.samplers import check_sampler

    options = {"design.trials": trials, "training.max_epochs": epochs, "seeds": seeds, **given}
    checked = gather_spec(spec, options, settings)
    check_sampler(checked.design, checked.space)
    print_plan(Console(highlight=False), checked, listed=listed)


@takes(DATA)
def price(
    spec: Spec,
    data: Data = None,
    trials: Trials = None,
    epochs: Epochs = None,
    seeds: Seeds = None,
    *,
    given: Given,
    settings: Settings = None,
    workers: Workers = None,
) -> None:
    """Say what a study will cost, from a few training steps on this machine; half a minute."""
    options = {
        "data.source": data,
        "design.trials": trials,
        "training.max_epochs": epochs,
        "seeds": seeds,
        **given,
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
    from study.forecast.price import price_study
    from study.search.first_settings import ask_first_settings
    from study.search.samplers import check_sampler

    check_sampler(spec.design, spec.space)
    n_slots, n_slots_here = count_slots(spec, workers)
    console = Console(highlight=False)
    console.print("[dim]timing a few settings ...[/dim]")
    known = ask_first_settings(spec, n_slots)
    price = price_study(spec, known, n_slots=n_slots, n_slots_here=n_slots_here)
    print_price(console, price, n_slots, n_slots_here)


def count_slots(spec: StudySpec, workers: int | None) -> tuple[int, int]:
    """Return how many runs go at once, and how many this machine takes at once.

    Raises:
        StudyError: If that is none.
    """
    from study.errors import StudyError
    from study.machine.capacity import Capacity, check_resources, count_cpus

    capacity, n_cpus = Capacity(count_cpus(), math.inf, 1), spec.resources.cpus_per_trial
    here = capacity.slots(n_cpus, 0.0)
    if workers is None:
        check_resources(capacity, n_cpus, 0.0)
        return here, here
    if workers < 1:
        raise StudyError(f"a study needs a worker: --workers={workers}; give 1 or more, or leave it out")
    return workers, here
