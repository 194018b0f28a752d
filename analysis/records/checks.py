"""Whether what was recorded of a study can be true: a file may be damaged, or edited by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pandas as pd

from analysis.errors import AnalysisError
from analysis.records.schema import FURTHER_METRICS, RUN_KEY, Phase, State, StudyFacts

_MAX_LOSS = 1e30


def check_trials(trials: pd.DataFrame, facts: StudyFacts, path: Path) -> None:
    """Refuse a table of trials that cannot be true.

    Raises:
        AnalysisError: At the first rule that is broken, with where.
    """
    checks = {
        "trial below 0": trials["trial"] < 0,
        "replicate below 1": trials["replicate"] < 1,
        f"state not one of {', '.join(get_args(State))}": ~trials["state"].isin(get_args(State)),
        f"phase not one of {', '.join(get_args(Phase))}": ~trials["phase"].isin(get_args(Phase)),
        "duration below 0": (trials["wall_s"] < 0) | (trials["setup_s"] < 0),
        "n_weights below 0": trials["n_weights"] < 0,
        "test_accuracy outside [0, 1]": _outside(trials["test_accuracy"], 1.0),
        f"more epochs than max_epochs={facts.max_epochs}": trials["epochs_run"] > facts.max_epochs,
        "the same replicate twice": trials.duplicated(list(RUN_KEY)),
    }
    for rule, broken in checks.items():
        if broken.any():
            row = trials[broken].iloc[0]
            raise AnalysisError(
                f"{path}: {rule} in trial {row['trial']}, replicate {row['replicate']}: "
                "restore the file from a copy"
            )


def check_epochs(epochs: pd.DataFrame, trials: pd.DataFrame, path: Path) -> None:
    """Refuse a table of epochs that cannot be true, or that is of other trials.

    Raises:
        AnalysisError: At the first rule that is broken, with where.
    """
    known = pd.MultiIndex.from_frame(trials[list(RUN_KEY)])
    checks: dict[str, pd.Series[bool]] = {
        "epoch below 1": epochs["epoch"] < 1,
        "accuracy outside [0, 1]": _outside(epochs[["train_accuracy", "val_accuracy"]], 1.0).any(axis=1),
        "F1 or area outside [0, 1]": _outside(epochs[list(FURTHER_METRICS)], 1.0).any(axis=1),
        "loss below 0 or absurdly large": _outside(epochs["train_loss"], _MAX_LOSS)
        | _outside(epochs["val_loss"], _MAX_LOSS),
        "epoch_s below 0": epochs["epoch_s"] < 0,
        "an epoch twice": epochs.duplicated([*RUN_KEY, "epoch"]),
        "an epoch of no known trial": pd.Series(
            ~pd.MultiIndex.from_frame(epochs[list(RUN_KEY)]).isin(known), index=epochs.index
        ),
    }
    for rule, broken in checks.items():
        if broken.any():
            row = epochs[broken].iloc[0]
            raise AnalysisError(
                f"{path}: {rule} in trial {row['trial']:.0f}, replicate {row['replicate']:.0f}, "
                f"epoch {row['epoch']:.0f}: restore the file from a copy"
            )


def _outside(values: Any, upper: float) -> Any:
    return (values < 0) | (values > upper)
