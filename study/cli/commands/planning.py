"""Commands that say what a study would do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.flags import STUDY, Given, takes
from study.cli.options import Like, Settings, Spec, gather_spec

if TYPE_CHECKING:
    from study.spec.schema import StudySpec


@takes(STUDY)
def plan(
    spec: Spec = None,
    *,
    given: Given,
    like: Like = None,
    settings: Settings = None,
    listed: Annotated[bool, typer.Option("--list", help="List the settings, where they are fixed.")] = False,
) -> None:
    """Say how much a study trains, and what it can and cannot answer; run nothing."""
    from rich.console import Console

    from study.cli.console import print_plan, print_sentences, print_warning
    from study.data import load_corpus
    from study.data.warnings import explain_classes
    from study.errors import StudyError
    from study.search.checks import check_startable

    checked = gather_spec(spec, given, settings, like=like)
    check_startable(checked)
    console = Console(highlight=False)
    print_plan(console, checked, listed=listed)
    if checked.data.is_built_in:
        return  # its texts would have to be made or downloaded first
    try:
        print_sentences(console, explain_classes(load_corpus(checked.data)))
    except StudyError as error:  # a plan is one without its texts, too
        print_warning(console, str(error))


@takes(STUDY)
def price(
    spec: Spec = None,
    *,
    given: Given,
    settings: Settings = None,
) -> None:
    """Say what a study will cost, from a few training steps on this machine; half a minute."""
    say_price(gather_spec(spec, given, settings))


def say_price(spec: StudySpec) -> None:
    """Work out and print what a study will cost.

    Args:
        spec: The study; what it says of runs at once holds, also where this machine has no room for them.

    Raises:
        StudyError: If the study cannot be run.
    """
    from rich.console import Console

    from study.cli.console import print_price
    from study.forecast.price import price_study
    from study.search.checks import check_startable
    from study.search.first_settings import ask_first_settings

    check_startable(spec)
    n_slots, n_slots_here = count_slots(spec)
    console = Console(highlight=False)
    console.print("[dim]timing a few settings ...[/dim]")
    known = ask_first_settings(spec, n_slots)
    price = price_study(spec, known, n_slots=n_slots, n_slots_here=n_slots_here)
    print_price(console, price, n_slots, n_slots_here)


def count_slots(spec: StudySpec) -> tuple[int, int]:
    """Return how many runs go at once, and how many this machine takes at once.

    Raises:
        StudyError: If the machine takes none, and the spec does not say that others do.
    """
    from study.machine.capacity import Capacity, check_resources, count_cpus

    capacity, n_cpus = Capacity(count_cpus(), math.inf, 1), spec.resources.cpus_per_trial
    here = capacity.slots(n_cpus, 0.0)
    if spec.resources.max_workers is None:
        check_resources(capacity, n_cpus, 0.0)
        return here, here
    return spec.resources.max_workers, here
