"""The recurrent text classifier: ids in, class probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from study.cells import chosen, recurrent_layer

CellsChoice = Literal["auto", "keras"]


@dataclass(frozen=True)
class Classifier:
    """One set of weights under two heads.

    Attributes:
        logits: From ids, int32 of shape (batch, sequence_length), to scores before the last activation: it is
            trained, since the loss of a score is exact where that of a rounded probability is not.
        probabilities: The same layers with the activation: it is saved and used.
    """

    logits: keras.Model
    probabilities: keras.Model
    cells: Literal["compiled", "keras"]


def build_classifier(params: Mapping[str, Any], n_classes: int, cells: CellsChoice = "auto") -> Classifier:
    """Build the classifier that `params` describe, with fresh weights.

    Two classes give one sigmoid output, the probability of the second class; more give a softmax. Dropout
    stands before and after the recurrent layers, and is left out at a rate of 0.

    Args:
        params: The recurrent parameters of one setting.
        n_classes: At least 2.
        cells: `auto` computes the recurrence by compiled cells where they are valid; `keras` never does.
    """
    ids = keras.Input((params["sequence_length"],), dtype="int32", name="ids")
    x = keras.layers.Embedding(params["vocab_size"], params["embedding_dim"], name="embedding")(ids)
    dropout = params["dropout"]
    if dropout > 0:
        x = keras.layers.Dropout(dropout)(x)
    for depth in range(1, params["layers"] + 1):
        layer = recurrent_layer(
            params["cell"],
            params["units"],
            return_sequences=depth < params["layers"],
            cells=cells,
            name=f"{params['cell']}_{depth}",
        )
        if params["bidirectional"]:
            layer = keras.layers.Bidirectional(layer, name=f"bidirectional_{depth}")
        x = layer(x)
    if dropout > 0:
        x = keras.layers.Dropout(dropout)(x)
    scores = keras.layers.Dense(1 if n_classes == 2 else n_classes, name="scores")(x)
    activation = "sigmoid" if n_classes == 2 else "softmax"
    return Classifier(
        logits=keras.Model(ids, scores),
        probabilities=keras.Model(ids, keras.layers.Activation(activation, name="probabilities")(scores)),
        cells=chosen(params["cell"], cells=cells),
    )


def build_optimizer(name: str, learning_rate: float) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer of that name, case aside."""
    return keras.optimizers.get({"class_name": name, "config": {"learning_rate": learning_rate}})
