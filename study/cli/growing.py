"""The command that makes a study larger."""

from __future__ import annotations

from typing import Annotated

import typer

from study.cli.options import (
    Address,
    AuditPruned,
    Epochs,
    MovedData,
    Seeds,
    StudyPath,
    Trials,
    parse_settings,
)
from study.cli.training import finish, load_verbs


def extend(
    path: StudyPath,
    trials: Trials = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    audit_pruned: AuditPruned = None,
    data: MovedData = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another amount, e.g. design.points=3."),
    ] = None,
    address: Address = None,
) -> None:
    """Grow a study by trials, seeds, epochs or a larger plan, and train what is missing."""
    from study.store.directory import StudyDirectory

    options = {
        "design.trials": trials,
        "seeds": seeds,
        "training.max_epochs": epochs,
        "design.audit_pruned": audit_pruned,
        "data.source": data,
    }
    changes = {key: value for key, value in options.items() if value is not None}
    changes |= dict(parse_settings(settings))
    verbs = load_verbs()
    spec = StudyDirectory(path).require().read_spec()
    finish(lambda listener: verbs.extend_study(path, changes, address=address, listener=listener), spec)
