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

from typing import Any

import keras
import tensorflow as tf


def _native(variable: keras.Variable | tf.Variable) -> tf.Variable:
    # Keras hands its optimizers the one or the other.
    return variable.value if isinstance(variable, keras.Variable) else variable


def _spread(values: tf.Tensor, gradient: tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    """Sums values, one for each row of the gradient, into an array as large as the variable."""
    return tf.math.unsorted_segment_sum(values, gradient.indices, variable.shape[0])


class _FusedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index, weights = self._get_variable_index(variable), _native(variable)
        m, v = _native(self._momentums[index]), _native(self._velocities[index])
        if isinstance(gradient, tf.IndexedSlices):
            # The operation multiplies a moment by beta and adds the gradient's part, here of a gradient of
            # zeros: so that part, divided by beta, goes in before.
            rows, values = gradient.indices, gradient.values
            m.scatter_add(tf.IndexedSlices((1 - self.beta_1) / self.beta_1 * values, rows))
            v.scatter_add(tf.IndexedSlices((1 - self.beta_2) / self.beta_2 * tf.square(values), rows))
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
            rows, size = gradient.indices, tf.abs(gradient.values)
            excess = (1 - self.beta_1) / self.beta_1 * (gradient.values - size)
            m.scatter_add(tf.IndexedSlices(excess, rows))
            gradient = _spread(size, gradient, weights)
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
        rows, values = gradient.indices, gradient.values
        velocity = _native(self._velocities[self._get_variable_index(variable)])
        velocity.assign(self.rho * velocity)
        velocity.scatter_add(tf.IndexedSlices((1 - self.rho) * tf.square(values), rows))
        step = learning_rate * values / tf.sqrt(tf.gather(velocity, rows) + self.epsilon)
        _native(variable).scatter_sub(tf.IndexedSlices(step, rows))


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
