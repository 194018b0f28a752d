"""Keras layers whose time loops are compiled, where that is valid; and the way back to plain Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import keras
import tensorflow as tf

from study.training.cells.operation import recurrent
from study.training.loops import steps

CellsChoice = Literal["auto", "keras"]

_REQUIRED = {
    "return_state": False,
    "stateful": False,
    "unroll": False,
    "use_bias": True,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "reset_after": True,
}
_ACTIVATIONS = {"activation": "tanh", "recurrent_activation": "sigmoid"}


def compiled_is_valid(keras_options: Mapping[str, Any]) -> bool:
    """Whether the compiled loops compute what a Keras layer with these options computes.

    They do so on a CPU, in float32, with the default activations and with biases; not with dropout inside the
    layer, an unrolled loop, or states that are kept or returned. A mask shows only when the layer is called.

    Args:
        keras_options: Arguments of the layer, or its `get_config()`; what is absent is Keras's default.
    """
    return (
        keras.backend.backend() == "tensorflow"
        and not tf.config.list_logical_devices("GPU")
        and keras.dtype_policies.get(keras_options.get("dtype")).compute_dtype == "float32"
        and all(keras_options.get(name, value) == value for name, value in _REQUIRED.items())
        and all(
            keras.activations.get(keras_options.get(name, value)) is keras.activations.get(value)
            for name, value in _ACTIVATIONS.items()
        )
    )


def chosen(cell: str, *, cells: CellsChoice, **keras_options: Any) -> Literal["compiled", "keras"]:
    """Says who computes the recurrence of the layer that `recurrent_layer` makes of the same arguments."""
    is_compiled = cells == "auto" and LAYERS[cell].compiled is not None and compiled_is_valid(keras_options)
    return "compiled" if is_compiled else "keras"


def recurrent_layer(
    cell: str,
    units: int,
    *,
    return_sequences: bool,
    cells: CellsChoice,
    bidirectional: bool = False,
    name: str | None = None,
    **keras_options: Any,
) -> keras.Layer:
    """Makes a recurrent layer with Keras's weights and initialisation.

    Args:
        cell: Its name, one of `study.spec.cells.CELLS`.
        units: At least 1; of each direction.
        return_sequences: Whether the layer returns every state or only the last one.
        cells: `auto` takes the compiled loops where they are valid and Keras's own path elsewhere, which is
            cuDNN's on a GPU; `keras` always takes the latter.
        bidirectional: Whether a second cell runs from the end of the text to its beginning; their states are
            concatenated. `keras.layers.Bidirectional` around a layer computes the same, a little more slowly.
        name: The layer's name.
        **keras_options: Further arguments of the Keras layer.

    Returns:
        A Keras layer. Pass a model that holds one through `plain_model` before saving it.
    """
    compiled = chosen(cell, cells=cells, **keras_options) == "compiled"
    kind = LAYERS[cell].compiled if compiled else LAYERS[cell].plain
    assert kind is not None
    if not bidirectional:
        return kind(units, return_sequences=return_sequences, name=name, **keras_options)
    layer = kind(units, return_sequences=return_sequences, **keras_options)
    return (CompiledBidirectional if compiled else keras.layers.Bidirectional)(layer, name=name)


def embedding_layer(
    vocab_size: int, width: int, *, cells: CellsChoice, name: str | None = None
) -> keras.layers.Embedding:
    """Makes an embedding for a recurrent layer, with Keras's weights and initialisation.

    A compiled layer right after it multiplies each word of a batch by its kernel only once. Nothing else
    changes, and any other layer may follow as well.

    Args:
        vocab_size: Number of ids.
        width: Numbers for each id.
        cells: As for `recurrent_layer`.
        name: The layer's name.
    """
    compiled = cells == "auto" and compiled_is_valid({})
    return (CompiledEmbedding if compiled else keras.layers.Embedding)(vocab_size, width, name=name)


class _Compiled:
    """Overrides `call` of a Keras recurrent layer, and nothing else."""

    code: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.supports_jit = False  # XLA cannot call back into Python

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Runs the layer; see `keras.layers.RNN.call`."""
        layer: Any = self  # type checkers see this class alone
        if mask is not None or initial_state is not None or not _is_valid(layer):
            return super().call(  # type: ignore[misc]
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        y = _run([layer], sequences, training)
        if layer.go_backwards and layer.return_sequences:
            return tf.reverse(y, axis=[1])  # Keras returns the states in the order in which they were reached
        return y


@keras.saving.register_keras_serializable("study")
class CompiledEmbedding(keras.layers.Embedding):  # type: ignore[misc]
    """Embedding that tells a compiled layer after it which inputs are the same word."""

    def call(self, inputs: Any) -> Any:
        """Runs the layer; see `keras.layers.Embedding.call`."""
        embedded = super().call(inputs)
        if isinstance(inputs, tf.Tensor) and inputs.dtype == tf.int32:
            # On the tensor itself, as Keras hands on a mask: what dropout, say, makes of it has no ids.
            embedded._ids = inputs
        return embedded


@keras.saving.register_keras_serializable("study")
class CompiledSimpleRNN(_Compiled, keras.layers.SimpleRNN):  # type: ignore[misc]
    """SimpleRNN by the compiled loops."""

    code = steps.RNN


@keras.saving.register_keras_serializable("study")
class CompiledGRU(_Compiled, keras.layers.GRU):  # type: ignore[misc]
    """GRU by the compiled loops."""

    code = steps.GRU


@keras.saving.register_keras_serializable("study")
class CompiledLSTM(_Compiled, keras.layers.LSTM):  # type: ignore[misc]
    """LSTM by the compiled loops."""

    code = steps.LSTM


def _is_valid(layer: Any) -> bool:
    return isinstance(layer, _Compiled) and compiled_is_valid(cast(Any, layer).get_config())


@keras.saving.register_keras_serializable("study")
class CompiledBidirectional(keras.layers.Bidirectional):  # type: ignore[misc]
    """Both directions of a compiled layer in one operation, which writes their states side by side."""

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Runs the layer; see `keras.layers.Bidirectional.call`."""
        directions = [self.forward_layer, self.backward_layer]
        if (
            mask is not None
            or initial_state is not None
            or self.merge_mode != "concat"
            or not all(_is_valid(d) for d in directions)
        ):
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        return _run(directions, sequences, training)


def _run(directions: list[Any], sequences: tf.Tensor, training: bool) -> tf.Tensor:
    return recurrent(
        directions[0].code,
        sequences,
        [
            tf.convert_to_tensor(v)
            for d in directions
            for v in (d.cell.kernel, d.cell.recurrent_kernel, d.cell.bias)
        ],
        [d.go_backwards for d in directions],
        return_sequences=directions[0].return_sequences,
        record=bool(training),
        ids=getattr(sequences, "_ids", None),
    )


@dataclass(frozen=True)
class Layers:
    """Who computes a cell: a layer of Keras's, and one that does so by the compiled loops, if there is."""

    plain: type[keras.layers.RNN]
    compiled: type[keras.layers.RNN] | None = None


LAYERS: Mapping[str, Layers] = {
    "rnn": Layers(keras.layers.SimpleRNN, CompiledSimpleRNN),
    "gru": Layers(keras.layers.GRU, CompiledGRU),
    "lstm": Layers(keras.layers.LSTM, CompiledLSTM),
}
"""Of each cell of `study.spec.cells`."""

_PLAIN_NAMES = {
    keras.saving.get_registered_name(kind): plain.__name__
    for kind, plain in (
        *((layers.compiled, layers.plain) for layers in LAYERS.values() if layers.compiled is not None),
        (CompiledBidirectional, keras.layers.Bidirectional),
        (CompiledEmbedding, keras.layers.Embedding),
    )
}


def plain_model(model: keras.Model) -> keras.Model:
    """Copies a model with Keras's own layers in the place of compiled ones, so that Keras alone can load it.

    Returns:
        A model with the same names and weights; it shares nothing with `model`.
    """
    plain: keras.Model = keras.saving.deserialize_keras_object(
        _plain_config(keras.saving.serialize_keras_object(model))
    )
    plain.set_weights(model.get_weights())
    return plain


def _plain_config(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return type(config)(_plain_config(item) for item in config)
    if not isinstance(config, dict):
        return config
    config = {key: _plain_config(value) for key, value in config.items()}
    name = _PLAIN_NAMES.get(config.get("registered_name"))
    return (
        config | {"module": "keras.layers", "class_name": name, "registered_name": None} if name else config
    )
