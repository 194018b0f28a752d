"""Little reviews that a small model can tell apart, and a study of them that takes seconds."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd

WORDS = {
    "good": ["fine", "lovely", "great", "superb", "moving"],
    "bad": ["dull", "awful", "boring", "weak", "tedious"],
    "any": ["a", "the", "film", "plot", "actor", "scene", "and", "of", "this", "that", "story"],
}

SMALL: dict[str, Any] = {
    "space": {
        "cell": ["lstm", "gru"],
        "bidirectional": False,
        "units": 4,
        "layers": 1,
        "vocab_size": 40,
        "sequence_length": 16,
        "embedding_dim": 4,
        "learning_rate": 0.01,
    },
    "design": {"kind": "grid"},
    "training": {"max_epochs": 2},
}


def make_reviews(n: int = 240) -> pd.DataFrame:
    rng = random.Random(0)  # noqa: S311 - words for a test
    rows = []
    for number in range(n):
        label = ("bad", "good")[number % 2]
        words = rng.choices(WORDS["any"], k=10) + rng.choices(WORDS[label], k=3)
        rng.shuffle(words)
        rows.append((" ".join(words), label))
    return pd.DataFrame(rows, columns=["text", "label"])
