"""Commands that use a trained model."""

from __future__ import annotations

import sys
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
    from study.training.backend import load_backend

    classifier = TextClassifier.open(model)
    lines = texts or _read_lines(file)
    load_backend()
    for line, row in zip(lines, classifier.predict(lines), strict=True):
        best = int(row.argmax())
        print(classifier.card.classes[best], f"{row[best]:.4f}", " ".join(line.split()), sep="\t")


def export(
    model: ModelPath,
    to: Annotated[Path, typer.Argument(help="A folder that does not exist yet.", show_default=False)],
) -> None:
    """Write a model as a TensorFlow SavedModel that takes raw strings."""
    from study.prediction.classifier import TextClassifier
    from study.training.backend import load_backend

    classifier = TextClassifier.open(model)
    load_backend()
    classifier.export(to)
    print(to)


def _read_lines(file: Path | None) -> list[str]:
    from study.errors import StudyError

    if file is None:
        return sys.stdin.read().splitlines()
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise StudyError(f"texts come from a file: {file}: {error.strerror}; check --file") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"texts are UTF-8: {file}: byte {error.start} is not; save it as UTF-8") from error
