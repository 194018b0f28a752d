"""What a model says of texts, as a table that is written in the format that its file's name tells."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.records.files import neutralize
from analysis.words.numbers import count_of
from study.data import FIRST_WORD
from study.errors import EnvironmentFaultError, StudyError
from study.prediction.classifier import TextClassifier

FORMATS = (".txt", ".tsv", ".csv", ".jsonl", ".parquet")

EMPTY, UNKNOWN = "empty text", "no known word"


def answer(
    classifier: TextClassifier, texts: Sequence[str], *, all_probabilities: bool = False
) -> pd.DataFrame:
    """Return what a model says, one row a text.

    Args:
        classifier: The model.
        texts: To classify; an empty one gets no class.
        all_probabilities: Whether to give that of every class, in columns `p(CLASS)`.

    Returns:
        Columns `class`, `probability` in [0, 1], `text`, and `note`: `empty text`, or `no known word` where
        the model saw nothing but unknown words and its answer is that to any such text; else empty.
    """
    classes = classifier.card.classes
    is_filled = np.array([bool(text.strip()) for text in texts], dtype=bool)
    filled = [text for text, there in zip(texts, is_filled, strict=True) if there]
    probabilities = np.full((len(texts), len(classes)), np.nan)
    probabilities[is_filled] = classifier.predict(filled)
    knows = np.zeros(len(texts), dtype=bool)
    knows[is_filled] = (classifier.encode(filled) >= FIRST_WORD).any(axis=1) if filled else False
    best = np.where(is_filled, np.nan_to_num(probabilities, nan=-1.0).argmax(axis=1), -1)
    table = pd.DataFrame(
        {
            "class": [classes[number] if number >= 0 else "" for number in best.tolist()],
            "probability": np.where(is_filled, probabilities[np.arange(len(texts)), best], np.nan),
            "text": list(texts),
            "note": np.where(~is_filled, EMPTY, np.where(knows, "", UNKNOWN)),
        }
    )
    if all_probabilities:
        for number, name in enumerate(classes):
            table[f"p({name})"] = probabilities[:, number]
    return table


def say_warnings(table: pd.DataFrame) -> list[str]:
    """Say how many texts got no class, or one that rests on nothing."""
    n_empty, n_unknown = (int((table["note"] == note).sum()) for note in (EMPTY, UNKNOWN))
    said = []
    if n_empty:
        said.append(
            f"{count_of(n_empty, len(table), 'text')} empty and {'gets' if n_empty == 1 else 'get'} no class"
        )
    if n_unknown:
        said.append(
            f"{count_of(n_unknown, len(table), 'text', ('holds', 'hold'))} no word that the model knows: "
            f"{'its' if n_unknown == 1 else 'their'} class says nothing"
        )
    return said


def write_answers(table: pd.DataFrame, path: Path) -> None:
    """Write a table under a name that ends in .txt, .tsv, .csv, .jsonl or .parquet.

    Raises:
        StudyError: If it ends in something else, or exists.
        EnvironmentFaultError: If the disk refuses.
    """
    from analysis.records.atomic import replace_file

    check_target(path)
    content = _content(table, path.suffix.lower())
    try:
        replace_file(path, lambda stream: stream.write(content))
    except OSError as error:
        raise EnvironmentFaultError(
            f"predictions are written to a file: {path}: {error.strerror}; name another with --to"
        ) from error


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed.

    Raises:
        StudyError: If its format is none of ours, or it exists.
    """
    if path.suffix.lower() not in FORMATS:
        raise StudyError(
            f"predictions are written as {', '.join(FORMATS)}: got {path.name!r}; let --to end so"
        )
    if path.exists():
        raise StudyError(f"predictions are written to a new file: {path} exists; name another or remove it")


def to_lines(table: pd.DataFrame) -> str:
    """Class, probability and text between tabs, a line each; `-` where there is no class."""
    extra = [name for name in table.columns if name.startswith("p(")]
    lines = []
    for row in table.to_dict("records"):
        has_class = bool(row["class"])
        fields = [row["class"] or "-", f"{row['probability']:.4f}" if has_class else "-"]
        fields += [f"{row[name]:.4f}" if has_class else "-" for name in extra]
        lines.append("\t".join([*fields, " ".join(row["text"].split())]) + "\n")
    return "".join(lines)


def _content(table: pd.DataFrame, suffix: str) -> bytes:
    match suffix:
        case ".parquet":
            stream = io.BytesIO()
            table.to_parquet(stream, index=False)
            return stream.getvalue()
        case ".jsonl":
            return table.to_json(orient="records", lines=True, force_ascii=False).encode()
        case ".csv":
            safe = table.assign(
                text=table["text"].map(neutralize), **{"class": table["class"].map(neutralize)}
            )
            return safe.rename(columns=neutralize).to_csv(index=False).encode()
    return to_lines(table).encode()
