"""A synthetic task with a known truth: remember the last of many markers until the text ends."""

from __future__ import annotations

import numpy as np

from study.data.rows import Rows
from study.data.spec import RecallSpec

_CLASSES = ("alpha", "omega")
_SHARE_OF_DECOYS = 0.5


def generate_recall(spec: RecallSpec) -> Rows:
    """Texts of noise and markers whose last marker is the label.

    It lies `distance` to twice `distance` tokens before the end. Before it every second token, on average,
    is a marker too, drawn at random: a model must overwrite what it holds at each marker and then keep it
    through noise. With one marker alone a SimpleRNN succeeds over 80 steps, and with many at a fixed distance
    over 40: Keras starts its recurrent weights orthogonal, and a linear echo of one position is enough.

    Source: the latching task of Bengio, Simard & Frasconi (1994), Learning long-term dependencies with
    gradient descent is difficult, made harder for a linear memory.
    """
    rng = np.random.default_rng(spec.seed)
    labels = rng.permutation(np.arange(spec.n_texts) % len(_CLASSES))
    shape = (spec.n_texts, spec.length)
    vocabulary = np.array([*_CLASSES, *(f"noise{number}" for number in range(spec.alphabet))], dtype=object)
    tokens = rng.integers(len(_CLASSES), len(vocabulary), size=shape)
    last = spec.length - 1 - rng.integers(spec.distance, 2 * spec.distance, size=spec.n_texts, endpoint=True)
    is_decoy = (rng.random(shape) < _SHARE_OF_DECOYS) & (np.arange(spec.length) < last[:, None])
    tokens[is_decoy] = rng.integers(len(_CLASSES), size=int(is_decoy.sum()))
    tokens[np.arange(spec.n_texts), last] = labels
    names = [_CLASSES[label] for label in labels.tolist()]
    return Rows(texts=[" ".join(row) for row in vocabulary[tokens].tolist()], labels=names)
