"""Keras's optimizers with their updates in fewer passes over memory.

An embedding's gradient has a row for each word of a batch. Keras spreads it over the whole vocabulary and
makes about ten passes over weights and slots. RMSprop without momentum leaves the weights of absent words
alone, so that its update of the present rows is exact. Adam and Adamax go on moving every row by its
momentum: no update of the present rows alone is exact, and TensorFlow's fused operations compute the dense
one in a single pass.

Where a word stands several times in a batch, Keras 3 on TensorFlow takes the sum of its gradients for the
first moment, but for the second the sum of their squares (Adamax: of their absolute values) and not the
square of their sum. These do the same, so that results are Keras's.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from study.training.loops.alignment import aligned
from study.training.loops.products import Array
from study.training.loops.words import Ids, number_words, sum_words


def _native(variable: keras.Variable | tf.Variable) -> tf.Variable:
    # Keras hands its optimizers the one or the other.
    return variable.value if isinstance(variable, keras.Variable) else variable


def _sum_rows(gradient: tf.IndexedSlices, *, squared: bool) -> tuple[tf.IndexedSlices, tf.IndexedSlices]:
    """Sums the gradients of each row and their sizes, which are squares or absolute values.

    TensorFlow's own sum takes a call for each occurrence of a row, and a word has several in a batch.
    """
    width = gradient.values.shape[1]
    rows, sums, sizes = tf.numpy_function(
        partial(_sum_arrays, squared),
        [gradient.indices, gradient.values],
        [gradient.indices.dtype, tf.float32, tf.float32],
        stateful=False,
        name="sum_rows",
    )
    for tensor in (sums, sizes):
        tensor.set_shape((None, width))
    return tf.IndexedSlices(sums, rows), tf.IndexedSlices(sizes, rows)


def _add_rows(variable: tf.Variable, factor: Any, slices: tf.IndexedSlices) -> None:
    """Adds factor * slices to a variable; no row twice."""
    # TensorFlow copies rows several times faster than it adds them.
    rows = tf.gather(variable, slices.indices) + factor * slices.values
    variable.scatter_update(tf.IndexedSlices(rows, slices.indices))


def _sum_arrays(squared: bool, indices: Ids, values: Array) -> tuple[Ids, Array, Array]:
    numbers, firsts = number_words(indices)
    sums, sizes = (aligned((len(firsts), values.shape[1])) for _ in range(2))
    sum_words(numbers, values, squared, sums, sizes)
    return indices[firsts], sums, sizes


class _FusedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index, weights = self._get_variable_index(variable), _native(variable)
        m, v = _native(self._momentums[index]), _native(self._velocities[index])
        if isinstance(gradient, tf.IndexedSlices):
            # The operation multiplies a moment by beta and adds the gradient's part, here of a gradient of
            # zeros: so that part, divided by beta, goes in before.
            sums, squares = _sum_rows(gradient, squared=True)
            _add_rows(m, (1 - self.beta_1) / self.beta_1, sums)
            _add_rows(v, (1 - self.beta_2) / self.beta_2, squares)
            with tf.init_scope():
                gradient = tf.zeros(weights.shape)  # made once, not in each step
        step = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=weights.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class _FusedAdamax(keras.optimizers.Adamax):  # type: ignore[misc]
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index, weights = self._get_variable_index(variable), _native(variable)
        m, u = _native(self._m[index]), _native(self._u[index])
        if isinstance(gradient, tf.IndexedSlices):
            # The operation takes the absolute values for both moments: the first gets the difference before.
            sums, sizes = _sum_rows(gradient, squared=False)
            excess = tf.IndexedSlices(sums.values - sizes.values, sums.indices)
            _add_rows(m, (1 - self.beta_1) / self.beta_1, excess)
            gradient = tf.math.unsorted_segment_sum(sizes.values, sizes.indices, weights.shape[0])
        tf.raw_ops.ResourceApplyAdaMax(
            var=weights.handle,
            m=m.handle,
            v=u.handle,
            beta1_power=tf.pow(self.beta_1, tf.cast(self.iterations + 1, tf.float32)),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class _SparseRMSprop(keras.optimizers.RMSprop):  # type: ignore[misc]
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        sums, squares = _sum_rows(gradient, squared=True)
        velocity = _native(self._velocities[self._get_variable_index(variable)])
        velocity.assign(self.rho * velocity)
        _add_rows(velocity, 1 - self.rho, squares)
        step = learning_rate * sums.values / tf.sqrt(tf.gather(velocity, sums.indices) + self.epsilon)
        _add_rows(_native(variable), -1.0, tf.IndexedSlices(step, sums.indices))


# Each with the options under which its shorter update is Keras's.
_FUSED: dict[type[keras.optimizers.Optimizer], tuple[type[keras.optimizers.Optimizer], dict[str, Any]]] = {
    keras.optimizers.Adam: (_FusedAdam, {"amsgrad": False}),
    keras.optimizers.Adamax: (_FusedAdamax, {}),
    keras.optimizers.RMSprop: (_SparseRMSprop, {"momentum": 0.0, "centered": False}),
}


def fused_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Makes an optimizer that computes what the given one computes, faster on a CPU.

    Args:
        optimizer: One of Keras's, not yet built, for weights in float32.

    Returns:
        A new optimizer with the same options and the same variables in the same order, so that what one has
        stored the other continues; or the given one where no faster form is known.
    """
    kind, required = _FUSED.get(type(optimizer), (None, {}))
    options = optimizer.get_config()
    if kind is None or any(options[name] != value for name, value in required.items()):
        return optimizer
    return kind.from_config(options)
