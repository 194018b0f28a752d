"""The recurrent text classifier: ids in, class probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from study.errors import StudyError
from study.spec.imports import import_object
from study.training.cells import chosen, embedding_layer, fused_optimizer, recurrent_layer

CellsChoice = Literal["auto", "keras"]


@dataclass(frozen=True)
class Classifier:
    """One set of weights under two heads.

    Attributes:
        logits: From ids, int32 of shape (batch, sequence_length), to scores before the last activation: it is
            trained, since the loss of a score is exact where that of a rounded probability is not.
        probabilities: The same layers with the activation: it is saved and used.
        cells: Who computes the recurrence: compiled loops, Keras, or what the user's builder chose.
    """

    logits: keras.Model
    probabilities: keras.Model
    cells: Literal["compiled", "keras", "own"]


@dataclass(frozen=True)
class Recipe:
    """What all models of a study have in common.

    Attributes:
        n_classes: At least 2.
        cells: `auto` computes the recurrence by compiled cells where they are valid; `keras` never does.
        builder: `package.module:function` of the user's that takes the setting and the number of outputs, and
            returns a Keras model from ids, int32 of shape (batch, sequence_length), to scores of shape
            (batch, n_outputs) before the last activation; None builds the standard model.
    """

    n_classes: int
    cells: CellsChoice = "auto"
    builder: str | None = None

    @property
    def n_outputs(self) -> int:
        """One score, of the second class, for two classes; else one a class."""
        return 1 if self.n_classes == 2 else self.n_classes


def build_classifier(params: Mapping[str, Any], recipe: Recipe) -> Classifier:
    """Build the classifier that `params` describe, with fresh weights.

    Two classes end in a sigmoid, the probability of the second; more in a softmax.

    Raises:
        StudyError: If a builder of the user's cannot be imported or returns something else than asked.
    """
    cells: Literal["compiled", "keras", "own"]
    if recipe.builder is None:
        logits, cells = _build_recurrent(params, recipe), chosen(params["cell"], cells=recipe.cells)
    else:
        logits, cells = _build_own(params, recipe), "own"
    activation = "sigmoid" if recipe.n_outputs == 1 else "softmax"
    probabilities = keras.layers.Activation(activation, name="probabilities")(logits.output)
    return Classifier(logits=logits, probabilities=keras.Model(logits.input, probabilities), cells=cells)


def _build_recurrent(params: Mapping[str, Any], recipe: Recipe) -> keras.Model:
    """Embedding, recurrent layers, a dense layer; dropout before and after the recurrence, unless it is 0."""
    ids = keras.Input((params["sequence_length"],), dtype="int32", name="ids")
    embedding = embedding_layer(
        params["vocab_size"], params["embedding_dim"], cells=recipe.cells, name="embedding"
    )
    x = embedding(ids)
    dropout = params["dropout"]
    if dropout > 0:
        x = keras.layers.Dropout(dropout)(x)
    for depth in range(1, params["layers"] + 1):
        layer = recurrent_layer(
            params["cell"],
            params["units"],
            return_sequences=depth < params["layers"],
            cells=recipe.cells,
            bidirectional=params["bidirectional"],
            name=f"recurrent_{depth}",
        )
        x = layer(x)
    if dropout > 0:
        x = keras.layers.Dropout(dropout)(x)
    return keras.Model(ids, keras.layers.Dense(recipe.n_outputs, name="scores")(x))


def _build_own(params: Mapping[str, Any], recipe: Recipe) -> keras.Model:
    assert recipe.builder is not None
    build = import_object(recipe.builder, "model")
    if not callable(build):
        raise StudyError(f"model names a function: {recipe.builder} is a {type(build).__name__}; name one")
    model = build(dict(params), recipe.n_outputs)
    if not isinstance(model, keras.Model) or tuple(model.output_shape) != (None, recipe.n_outputs):
        shape = getattr(model, "output_shape", type(model).__name__)
        raise StudyError(
            f"a model's builder returns a Keras model with output shape (None, {recipe.n_outputs}): "
            f"{recipe.builder} returned {shape}; end it with Dense({recipe.n_outputs}), without activation"
        )
    return model


def build_optimizer(params: Mapping[str, Any], classifier: Classifier) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer, or beside compiled cells one that computes the same faster on a CPU."""
    config = {"learning_rate": params["learning_rate"]}
    optimizer = keras.optimizers.get({"class_name": params["optimizer"], "config": config})
    return fused_optimizer(optimizer) if classifier.cells == "compiled" else optimizer
