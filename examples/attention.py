"""A model of your own: a recurrent classifier that may attend to all steps instead of keeping the last.

A study names the function and searches its parameter beside the standard ones:

    study run quick --name attention --set model=attention:build --set "space.attention=[false, true]"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from study.training.cells import embedding_layer, recurrent_layer


def build(params: Mapping[str, Any], n_outputs: int) -> keras.Model:
    """Build one model.

    Args:
        params: The setting: the standard parameters and `attention`.
        n_outputs: Scores to return: 1 for two classes, else one a class.

    Returns:
        A model from ids, int32 of shape (batch, sequence_length), to scores without activation.
    """
    ids = keras.Input((params["sequence_length"],), dtype="int32", name="ids")
    x = embedding_layer(params["vocab_size"], params["embedding_dim"], cells="auto", name="embedding")(ids)
    x = recurrent_layer(
        params["cell"],
        params["units"],
        return_sequences=params["attention"],
        bidirectional=params["bidirectional"],
        cells="auto",
    )(x)
    if params["attention"]:
        weights = keras.layers.Softmax(axis=1)(keras.layers.Dense(1)(x))
        x = keras.layers.Flatten()(keras.layers.Dot(axes=1)([weights, x]))
    return keras.Model(ids, keras.layers.Dense(n_outputs, name="scores")(x))
