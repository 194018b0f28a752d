"""A synthetic task with a known truth: remember one token for a given number of steps."""

from __future__ import annotations

import numpy as np

from study.data.rows import Rows
from study.data.spec import RecallSpec

_CLASSES = ("alpha", "omega")


def generate_recall(spec: RecallSpec) -> Rows:
    """Texts of noise tokens with one marker, `distance` tokens before the end; the marker is the label.

    Reading from the front, a model must hold one bit for `distance` steps through noise: the latching task on
    which the vanishing gradient was first shown. Nothing else in a text tells the label, so 0.5 is chance.

    Source: Bengio, Simard & Frasconi (1994), Learning long-term dependencies with gradient descent is
    difficult, section II.
    """
    rng = np.random.default_rng(spec.seed)
    labels = rng.permutation(np.arange(spec.n_texts) % len(_CLASSES))
    noise = np.array([f"noise{number}" for number in range(spec.alphabet)])
    tokens = noise[rng.integers(spec.alphabet, size=(spec.n_texts, spec.length))].astype(object)
    names = [_CLASSES[label] for label in labels.tolist()]
    tokens[:, spec.length - 1 - spec.distance] = names
    return Rows(texts=[" ".join(row) for row in tokens.tolist()], labels=names)
