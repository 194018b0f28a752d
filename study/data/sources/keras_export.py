"""Write a data set of Keras's as .jsonl: `python -m study.data.sources.keras_export imdb FILE`.

Runs as a process of its own: it imports Keras, and Keras downloads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ALL_WORDS = 2**31 - 1  # without a number, Keras drops the rarest word


def export(name: str, target: Path) -> None:
    """Write the texts of `imdb` or `reuters` with their classes and splits."""
    import keras

    data_set = getattr(keras.datasets, name)
    words = {number: word for word, number in data_set.get_word_index().items()}
    classes = data_set.get_label_names() if name == "reuters" else ("negative", "positive")
    train, test = data_set.load_data(num_words=_ALL_WORDS, start_char=None, oov_char=None, index_from=0)
    with target.open("w", encoding="utf-8") as stream:
        for split, (sequences, labels) in (("train", train), ("test", test)):
            for record in _records(sequences, labels, words, classes):
                stream.write(json.dumps({"split": split, **record}) + "\n")


def _records(
    sequences: Sequence[Sequence[int]], labels: Sequence[Any], words: dict[int, str], classes: Sequence[str]
) -> Iterator[dict[str, str]]:
    for sequence, label in zip(sequences, labels, strict=True):
        yield {"label": classes[int(label)], "text": " ".join(words[int(number)] for number in sequence)}


if __name__ == "__main__":
    export(sys.argv[1], Path(sys.argv[2]))
