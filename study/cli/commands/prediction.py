"""Commands that use a trained model."""

from __future__ import annotations

import sys
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
    from study.machine.preflight import MODEL_BYTES, check_address_space

    check_address_space(MODEL_BYTES, "a model")
    from study.prediction.answers import answer, check_target, say_warnings, to_lines, write_answers
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
    for sentence in say_warnings(table):
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
    from study.machine.preflight import MODEL_BYTES, check_address_space

    check_address_space(MODEL_BYTES, "a model")
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


def _read_texts(file: Path | None, given: Given) -> list[str]:
    from study.data.texts import read_unlabelled
    from study.prediction.lines import split_lines

    if file is None:
        return split_lines(sys.stdin.buffer.read(), "standard input")
    found = read_unlabelled(read_spec(str(file), given))
    print(f"read {found.said}", file=sys.stderr)
    return found.texts
