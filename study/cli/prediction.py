"""Commands that use a trained model."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from study.cli.flags import READING, Given, read_spec, takes

ModelPath = Annotated[
    Path,
    typer.Argument(help="A model's folder, or a study's directory for its best.", show_default=False),
]


@takes(READING)
def predict(
    model: ModelPath,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, lines of stdin.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="What `study data` reads, or a text a line; labels are passed over.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="A new file: .txt, .tsv, .csv, .jsonl or .parquet.", show_default="shown"),
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Give the probability of every class.")
    ] = False,
    *,
    given: Given,
) -> None:
    """Classify texts with a saved model: class, probability and text."""
    from study.prediction.answers import answer, check_target, say_doubts, to_lines, write_answers
    from study.prediction.classifier import TextClassifier
    from study.prediction.lines import check_arguments
    from study.training.backend import load_backend

    classifier = TextClassifier.open(model)
    if to is not None:
        check_target(to)
    asked = check_arguments(texts) if texts else _read_texts(file, given)
    load_backend()
    table = answer(classifier, asked, all_probabilities=probabilities)
    if to is None:
        print(to_lines(table), end="")
    else:
        write_answers(table, to)
        print(to)
    for sentence in say_doubts(table):
        print(sentence, file=sys.stderr)


@takes(READING)
def evaluate(
    model: ModelPath,
    file: Annotated[
        Path, typer.Argument(help="Labelled texts: what `study data` reads.", show_default=False)
    ],
    *,
    given: Given,
) -> None:
    """Say how well a saved model does on new labelled texts."""
    from study.cli.tables import print_evaluation
    from study.data.files import read_path
    from study.data.reading.sentences import explain_reading
    from study.prediction.classifier import TextClassifier
    from study.prediction.evaluation import evaluate as compare
    from study.training.backend import load_backend

    classifier = TextClassifier.open(model)
    rows = read_path(read_spec(str(file), given))
    load_backend()
    figures = compare(classifier, rows.texts, rows.labels)
    print_evaluation(figures, explain_reading(rows.reading) if rows.reading else [])


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


def _read_texts(file: Path | None, given: Given) -> list[str]:
    from study.data.texts import read_unlabelled
    from study.prediction.lines import split_lines

    if file is None:
        return split_lines(sys.stdin.buffer.read(), "standard input")
    found = read_unlabelled(read_spec(str(file), given))
    print(f"read {found.said}", file=sys.stderr)
    return found.texts
