"""The command that writes a study for other tools."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """What is exported."""

    savedmodel = "savedmodel"
    mlflow = "mlflow"
    optuna = "optuna"
    tensorboard = "tensorboard"


def export(
    source: Annotated[
        Path, typer.Argument(help="A study's directory, or a model's folder.", show_default=False)
    ],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]",
            help="For a model: a folder, new or empty. For tensorboard: a folder, tensorboard/NAME "
            "by default. For mlflow: the URL of a database or a server, else that of MLFLOW_TRACKING_URI.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[Format, typer.Option(help="What to write.")] = Format.savedmodel,
) -> None:
    """Write a study's best model for use elsewhere, or its runs for other tools, also while it runs."""
    write: dict[Format, Callable[[Path, str | None], object]] = {
        Format.savedmodel: _export_model,
        Format.optuna: _export_search,
        Format.tensorboard: _export_events,
        Format.mlflow: _export_runs,
    }
    print(write[to](source, target))


def _export_model(source: Path, target: str | None) -> Path:
    """Write a model as a TensorFlow SavedModel that takes raw strings."""
    from study.errors import StudyError
    from study.machine.preflight import MODEL_BYTES, check_address_space
    from study.prediction.classifier import TextClassifier
    from study.prediction.export import export_classifier
    from study.training.backend import load_backend

    if target is None:
        raise StudyError(
            "a model is written to a folder of its own: none is given; add one, or --to optuna for the search"
        )
    check_address_space(MODEL_BYTES, "a model")
    classifier = TextClassifier.open(source)
    load_backend()
    export_classifier(classifier, Path(target))
    return Path(target)


def _export_search(source: Path, target: str | None) -> Path:
    """Bring a study's optuna.db up to date with its records."""
    from study.errors import StudyError
    from study.running.publication import export_search
    from study.store.directory import StudyDirectory

    if target is not None:
        raise StudyError(
            f"a search is written to the study's own optuna.db: {target} is given; leave it out and copy"
        )
    return export_search(StudyDirectory(source).require())


def _export_events(source: Path, target: str | None) -> Path:
    """Write, or bring up to date, what TensorBoard shows of a study."""
    import analysis

    # By the directory's name: what the records call themselves may be anything.
    folder = Path("tensorboard") / source.resolve().name if target is None else Path(target)
    analysis.write_tensorboard(analysis.load(source), folder)
    print(f"see it with: tensorboard --logdir {folder}", file=sys.stderr)
    return folder


def _export_runs(source: Path, target: str | None) -> str:
    """Send a study to MLflow, or what has come since."""
    import analysis

    return analysis.write_mlflow(analysis.load(source), target)
