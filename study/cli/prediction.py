"""Commands that use a trained model."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ModelPath = Annotated[
    Path,
    typer.Argument(help="A model's folder, or a study's directory for its best.", show_default=False),
]


def predict(
    model: ModelPath,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, lines of stdin.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one text a line.")] = None,
) -> None:
    """Classify texts with a saved model: prints class, probability and text, separated by tabs."""
    from study.prediction.classifier import TextClassifier
    from study.prediction.lines import check_arguments
    from study.training.backend import load_backend

    classifier = TextClassifier.open(model)
    lines = check_arguments(texts) if texts else _read_lines(file)
    load_backend()
    for line, row in zip(lines, classifier.predict(lines), strict=True):
        best = int(row.argmax())
        print(classifier.card.classes[best], f"{row[best]:.4f}", " ".join(line.split()), sep="\t")


class Format(StrEnum):
    """What is exported."""

    savedmodel = "savedmodel"
    optuna = "optuna"


def export(
    source: Annotated[
        Path, typer.Argument(help="A study's directory, or a model's folder.", show_default=False)
    ],
    folder: Annotated[
        Path | None, typer.Argument(help="For a model: a folder that does not exist yet.", show_default=False)
    ] = None,
    to: Annotated[Format, typer.Option(help="What to write.")] = Format.savedmodel,
) -> None:
    """Write a study's best model for use elsewhere, or its search as optuna.db, also while it runs."""
    if to is Format.optuna:
        print(_export_search(source, folder))
    else:
        print(_export_model(source, folder))


def _export_model(source: Path, folder: Path | None) -> Path:
    """Write a model as a TensorFlow SavedModel that takes raw strings."""
    from study.errors import StudyError
    from study.prediction.classifier import TextClassifier
    from study.prediction.export import export_classifier
    from study.training.backend import load_backend

    if folder is None:
        raise StudyError(
            "a model is written to a folder of its own: none is given; add one, or --to optuna for the search"
        )
    classifier = TextClassifier.open(source)
    load_backend()
    export_classifier(classifier, folder)
    return folder


def _export_search(source: Path, folder: Path | None) -> Path:
    """Bring a study's optuna.db up to date with its records."""
    from study.errors import StudyError
    from study.running.publication import export_search
    from study.store.directory import StudyDirectory

    if folder is not None:
        raise StudyError(
            f"a search is written to the study's own optuna.db: {folder} is given; leave it out and copy"
        )
    return export_search(StudyDirectory(source).require())


def _read_lines(file: Path | None) -> list[str]:
    from study.errors import StudyError
    from study.prediction.lines import split_lines

    if file is None:
        return split_lines(sys.stdin.buffer.read(), "standard input")
    try:
        return split_lines(file.read_bytes(), str(file))
    except OSError as error:
        raise StudyError(f"texts come from a file: {file}: {error.strerror}; check --file") from error
