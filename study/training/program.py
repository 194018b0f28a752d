"""A classifier with its traced functions, kept between trials. It loads TensorFlow: for workers alone."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework import ops

from study.training.caching import N_PROGRAMS, program_of
from study.training.metrics import Scores
from study.training.model import Classifier, Recipe, build_classifier, build_optimizer
from study.trial import EVALUATION_BATCH

Ids = npt.NDArray[np.int32]

N_FIRST_WEIGHTS = 4
"""Seeds whose first weights are kept: every setting of a study is trained under the same few seeds."""


class Program:
    """A classifier with its traced functions, used again by every trial of the same architecture.

    Tracing takes seconds and depends on shapes alone, so that a replicate, or a setting that differs only in
    its learning rate or batch size, takes over the graph of an earlier one and starts from fresh weights.

    Args:
        params: The setting.
        recipe: What all models of the study have in common.
        seed: Gives the first weights.
    """

    def __init__(self, params: Mapping[str, Any], recipe: Recipe, seed: int) -> None:
        self._recipe = recipe
        self.classifier = self._build(params, seed)
        self._first_weights = {seed: read_values(self.classifier.logits.variables)}
        self.optimizer = build_optimizer(params, self.classifier)
        self.optimizer.build(self.classifier.logits.trainable_variables)
        self._blank = read_values(self.optimizer.variables)
        with _forgetting_gradients():
            self._train, self._score = _trace(self.classifier.logits, self.optimizer)

    def restart(self, params: Mapping[str, Any], seed: int) -> None:
        """Take the weights that `seed` gives a new model, and forget what the optimizer knew."""
        keras.utils.set_random_seed(seed)  # for whatever a model of the user's own draws while it trains
        if seed not in self._first_weights:
            if len(self._first_weights) == N_FIRST_WEIGHTS:
                del self._first_weights[next(iter(self._first_weights))]
            self._first_weights[seed] = read_values(self._build(params, seed).logits.variables)
        assign_values(self.classifier.logits.variables, self._first_weights[seed])
        assign_values(self.optimizer.variables, self._blank)
        self.optimizer.learning_rate = params["learning_rate"]

    def _build(self, params: Mapping[str, Any], seed: int) -> Classifier:
        keras.utils.set_random_seed(seed)
        return build_classifier(params, self._recipe)

    def train(
        self,
        ids: tf.Tensor,
        labels: tf.Tensor,
        order: npt.NDArray[np.int64],
        batch_size: int,
        class_weights: npt.NDArray[np.float32] | None = None,
    ) -> float:
        """Train once over `order`'s rows; return the mean loss of its batches, as fit would print it.

        `class_weights`, of shape (n_classes,), multiply the loss of each text of a class; 1 by default.
        """
        if class_weights is None:
            class_weights = np.ones(self._recipe.n_classes, dtype=np.float32)
        order_, size = tf.constant(order, tf.int32), tf.constant(batch_size)
        return float(self._train(ids, labels, order_, size, tf.constant(class_weights)))

    def score(self, ids: Ids) -> Scores:
        """Return the scores of `ids`, dropout off: float32 of shape (len(ids), n_outputs)."""
        parts = [
            self._score(tf.constant(ids[start : start + EVALUATION_BATCH])).numpy()
            for start in range(0, len(ids), EVALUATION_BATCH)
        ]
        return np.concatenate(parts)


def _trace(
    model: keras.Model, optimizer: keras.optimizers.Optimizer
) -> tuple[Callable[..., tf.Tensor], Callable[..., tf.Tensor]]:
    length = model.input_shape[1]
    ids_spec = tf.TensorSpec((None, length), tf.int32)

    # A whole epoch is one call: at small sizes, Python between batches costs as much as the batch. The loop
    # is spelled out, since AutoGraph, which would make it of a `while`, does not convert it on Python 3.13.
    @tf.function(  # type: ignore[untyped-decorator]
        autograph=False,
        input_signature=[
            ids_spec,
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32),
            tf.TensorSpec((None,), tf.float32),
        ],
    )
    def train(
        ids: tf.Tensor, labels: tf.Tensor, order: tf.Tensor, batch_size: tf.Tensor, class_weights: tf.Tensor
    ) -> tf.Tensor:
        n_rows = tf.shape(order)[0]

        def train_batch(start: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                scores = model(tf.gather(ids, rows), training=True)
                loss = mean_loss(tf.gather(labels, rows), scores, class_weights)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            return start + batch_size, total + loss * tf.cast(tf.shape(rows)[0], loss.dtype)

        state = tf.constant(0), tf.constant(0.0)
        _, total = tf.while_loop(lambda start, _: start < n_rows, train_batch, state, parallel_iterations=1)
        return total / tf.cast(n_rows, total.dtype)

    @tf.function(autograph=False, input_signature=[ids_spec])  # type: ignore[untyped-decorator]
    def score(ids: tf.Tensor) -> tf.Tensor:
        return model(ids, training=False)

    for function in (train, score):
        function.get_concrete_function()  # traced here, and not in the first epoch
    return train, score


@contextmanager
def _forgetting_gradients() -> Iterator[None]:
    """Let nothing of a graph outlive it.

    TensorFlow registers a custom gradient by a name of its own each time one is traced, and never forgets
    it, nor the graph that it belongs to. It is asked for only while the graph is traced.
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in registered.keys() - before:
            del registered[name]


def mean_loss(labels: tf.Tensor, scores: tf.Tensor, class_weights: tf.Tensor | None = None) -> tf.Tensor:
    """Return the mean cross entropy, in nats, of scores before the last activation, (n, n_outputs).

    Each text's is multiplied by its class's of `class_weights`, (n_classes,); the mean is over texts, not
    weights, as in Keras, so that a weight of 2 counts a text twice.
    """
    if scores.shape[1] == 1:
        target = tf.cast(labels[:, tf.newaxis], scores.dtype)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(target, scores)[:, 0]
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
    if class_weights is not None:
        losses *= tf.gather(class_weights, labels)
    return tf.reduce_mean(losses)


def read_values(variables: list[Any]) -> list[npt.NDArray[Any]]:
    """Return copies of Keras variables."""
    # A copy: the array of a TensorFlow variable may be its own memory, which training goes on to change.
    return [variable.value.numpy().copy() for variable in variables]


def assign_values(variables: list[Any], values: list[npt.NDArray[Any]]) -> None:
    """Set Keras variables, as many as values."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


class ProgramCache:
    """The last few programs of this process."""

    def __init__(self, n_programs: int = N_PROGRAMS) -> None:
        self._n_programs = n_programs
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()

    def start(self, params: Mapping[str, Any], recipe: Recipe, seed: int) -> Program:
        """Return a program for `params` with the weights of `seed`, an earlier one where there is one."""
        key = (recipe, *program_of(params))
        program = self._programs.pop(key, None)
        if program is None:
            program = Program(params, recipe, seed)
        else:
            program.restart(params, seed)
        self._programs[key] = program
        if len(self._programs) > self._n_programs:
            self._programs.popitem(last=False)
            # Keras keeps a global table of what it has built, which grows from trial to trial.
            keras.backend.clear_session(free_memory=False)
            gc.collect()
        return program
