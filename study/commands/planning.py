"""Commands that say what a study would do."""

from __future__ import annotations

from typing import Annotated

import typer

from study.commands.options import Epochs, Seeds, Settings, Spec, Trials, gather_spec


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

    from study.console import print_plan
    from study.samplers import check_sampler

    options = {"design.trials": trials, "training.max_epochs": epochs, "seeds": seeds}
    checked = gather_spec(spec, options, settings)
    check_sampler(checked.design, checked.space)
    print_plan(Console(highlight=False), checked, listed=listed)
