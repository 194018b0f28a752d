"""The training of one replicate, epoch by epoch. Only a trial's worker imports this: it loads TensorFlow."""

from __future__ import annotations

import gc
import io
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from study.data import PADDING
from study.model import Classifier, Recipe, build_classifier, build_optimizer
from study.trial import EpochFigures

Ids = npt.NDArray[np.int32]
Labels = npt.NDArray[np.integer[Any]]
Scores = npt.NDArray[np.float32]

EVALUATION_BATCH = 512
"""Texts scored at once: a time loop costs nearly the same for 512 rows as for 64."""


@dataclass(frozen=True)
class Rows:
    """The texts of one trial at its vocabulary and length.

    Attributes:
        train: Ids of the training split, (n_train, sequence_length).
        train_labels: Class numbers, (n_train,).
        probe: Row numbers of `train` on which the training side is evaluated: a fixed sample, so that it is
            cheap.
        validation: Ids of the split that validates, (n_validation, sequence_length).
        validation_labels: Class numbers, (n_validation,).
    """

    train: Ids
    train_labels: Labels
    probe: npt.NDArray[np.int64]
    validation: Ids
    validation_labels: Labels


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
        self.optimizer = build_optimizer(params, self.classifier)
        self.optimizer.build(self.classifier.logits.trainable_variables)
        self._blank = _values(self.optimizer.variables)
        self._train, self._score = _trace(self.classifier.logits, self.optimizer)

    def restart(self, params: Mapping[str, Any], seed: int) -> None:
        """Take the weights that `seed` gives a new model, and forget what the optimizer knew."""
        fresh = self._build(params, seed)
        _assign(self.classifier.logits.variables, _values(fresh.logits.variables))
        _assign(self.optimizer.variables, self._blank)
        self.optimizer.learning_rate = params["learning_rate"]

    def _build(self, params: Mapping[str, Any], seed: int) -> Classifier:
        keras.utils.set_random_seed(seed)
        return build_classifier(params, self._recipe)

    def train(
        self, ids: tf.Tensor, labels: tf.Tensor, order: npt.NDArray[np.int64], batch_size: int
    ) -> float:
        """Train once over `order`'s rows; return the mean loss of its batches, as fit would print it."""
        return float(self._train(ids, labels, tf.constant(order, tf.int32), tf.constant(batch_size)))

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

    # A whole epoch is one call: at small sizes, Python between batches costs as much as the batch.
    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            ids_spec,
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32),
        ]
    )
    def train(ids: tf.Tensor, labels: tf.Tensor, order: tf.Tensor, batch_size: tf.Tensor) -> tf.Tensor:
        n_rows = tf.shape(order)[0]
        total = tf.constant(0.0)
        start = tf.constant(0)
        while start < n_rows:
            rows = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                scores = model(tf.gather(ids, rows), training=True)
                loss = _mean_loss(tf.gather(labels, rows), scores)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            total += loss * tf.cast(tf.shape(rows)[0], loss.dtype)
            start += batch_size
        return total / tf.cast(n_rows, total.dtype)

    @tf.function(input_signature=[ids_spec])  # type: ignore[untyped-decorator]
    def score(ids: tf.Tensor) -> tf.Tensor:
        return model(ids, training=False)

    return train, score


def _mean_loss(labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    if scores.shape[1] == 1:
        target = tf.cast(labels[:, tf.newaxis], scores.dtype)
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(target, scores))
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores))


def _values(variables: list[Any]) -> list[npt.NDArray[Any]]:
    # A copy: the array of a TensorFlow variable may be its own memory, which training goes on to change.
    return [variable.value.numpy().copy() for variable in variables]


def _assign(variables: list[Any], values: list[npt.NDArray[Any]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


class ProgramCache:
    """The last few programs of this process."""

    def __init__(self, n_programs: int = 3) -> None:
        self._n_programs = n_programs
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()

    def start(self, params: Mapping[str, Any], recipe: Recipe, seed: int) -> Program:
        """Return a program for `params` with the weights of `seed`, an earlier one where there is one."""
        # What a graph does not depend on: both are its inputs.
        shape = {k: v for k, v in params.items() if k not in ("learning_rate", "batch_size")}
        key = (recipe, *sorted(shape.items()))
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


class Trainer:
    """Trains one replicate; remembers its best epoch.

    Args:
        params: The setting.
        seed: Initialisation, order of batches and dropout follow from it.
        rows: The texts.
        objective: `val_accuracy` or `val_loss`: what makes an epoch the best.
        programs: Where traced graphs are kept between trials.
        recipe: What all models of the study have in common.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        seed: int,
        rows: Rows,
        objective: str,
        programs: ProgramCache,
        recipe: Recipe,
    ) -> None:
        self.seed, self.rows, self.objective = seed, rows, objective
        self.program = programs.start(params, recipe, seed)
        self._batch_size = int(params["batch_size"])
        self._ids = tf.constant(rows.train)
        self._labels = tf.constant(rows.train_labels, tf.int32)
        self.epoch = 0
        self.best_epoch: int | None = None
        self.best_score = -np.inf
        self._best_weights: list[npt.NDArray[Any]] = []
        self._best_scores: Scores | None = None

    @property
    def classifier(self) -> Classifier:
        """The model in training."""
        return self.program.classifier

    @property
    def n_weights(self) -> int:
        """Numbers that training changes."""
        return sum(int(np.prod(v.shape)) for v in self.classifier.logits.trainable_variables)

    def train_epoch(self) -> EpochFigures:
        """Train one more epoch and evaluate both sides on the weights it ended with."""
        start = time.perf_counter()
        self.epoch += 1
        # From the seed and the epoch, not from a stream: a trial continued from a checkpoint sees the same
        # order.
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.rows.train))
        self.program.train(self._ids, self._labels, order, self._batch_size)
        validation_scores = self.program.score(self.rows.validation)
        train_loss, train_accuracy = evaluate(
            self.program.score(self.rows.train[self.rows.probe]), self.rows.train_labels[self.rows.probe]
        )
        val_loss, val_accuracy = evaluate(validation_scores, self.rows.validation_labels)
        figures = EpochFigures(
            epoch=self.epoch,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=float(self.program.optimizer.learning_rate.value.numpy()),
            epoch_s=time.perf_counter() - start,
        )
        self._remember(figures, validation_scores)
        return figures

    def _remember(self, figures: EpochFigures, validation_scores: Scores) -> None:
        score = figures.val_accuracy if self.objective == "val_accuracy" else -figures.val_loss
        if figures.is_finite and score > self.best_score:
            self.best_score, self.best_epoch = score, figures.epoch
            self._best_weights = _values(self.classifier.logits.variables)
            self._best_scores = validation_scores

    def best_probabilities(self) -> npt.NDArray[np.float16] | None:
        """Return the best epoch's probabilities of the validation rows, None before there is one.

        For two classes, of shape (n_validation,), the probability of the second; else (n_validation,
        n_classes).
        """
        if self._best_scores is None:
            return None
        return to_probabilities(self._best_scores).astype(np.float16)

    def gradient_norms(self, n_rows: int = 256) -> npt.NDArray[np.float32]:
        """Measure how far back in time the loss reaches: its gradient's norm at each step's input.

        Returns:
            Float32 of shape (sequence_length,), the last step first: the norm of the gradient of one text's
            loss by its embedded token, mean over the first `n_rows` validation texts that have a token there;
            NaN where none has. It vanishes with the distance where a cell forgets (Bengio et al. 1994).
        """
        ids = self.rows.validation[:n_rows]
        model = self.classifier.logits
        embedding = model.get_layer("embedding")
        rest = keras.Model(embedding.output, model.output)
        embedded = tf.convert_to_tensor(embedding(tf.constant(ids)))
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            loss = _mean_loss(tf.constant(self.rows.validation_labels[:n_rows]), rest(embedded))
        gradient = tape.gradient(loss, embedded).numpy() * len(ids)
        norms = np.where(ids == PADDING, np.nan, np.linalg.norm(gradient, axis=2))
        has_token = ~np.isnan(norms)
        totals = np.where(has_token, norms, 0.0).sum(axis=0)
        means = np.divide(
            totals, has_token.sum(axis=0), out=np.full(len(totals), np.nan), where=has_token.any(axis=0)
        )
        return np.asarray(means[::-1], dtype=np.float32)

    def test(self, ids: Ids, labels: Labels) -> tuple[float, float]:
        """Return loss and accuracy of the best epoch's weights on rows it never chose by."""
        _assign(self.classifier.logits.variables, self._best_weights)
        return evaluate(self.program.score(ids), labels)

    def save_best(self, path: str) -> None:
        """Write the best epoch's model as a `.keras` file that plain Keras loads."""
        from study.cells import plain_model

        model = self.classifier.probabilities
        current = _values(model.variables)
        _assign(model.variables, self._best_weights)
        plain_model(model).save(path)
        _assign(model.variables, current)

    def to_bytes(self) -> bytes:
        """Return all that continues this training in another process, as an npz file without pickles."""
        arrays: dict[str, Any] = {
            f"weight_{i}": v for i, v in enumerate(_values(self.classifier.logits.variables))
        }
        arrays |= {f"optimizer_{i}": v for i, v in enumerate(_values(self.program.optimizer.variables))}
        arrays |= {f"best_{i}": value for i, value in enumerate(self._best_weights)}
        arrays["epochs"] = np.array([self.epoch, self.best_epoch or 0])
        arrays["best_score"] = np.array(self.best_score)
        if self._best_scores is not None:
            arrays["best_scores"] = self._best_scores
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        return stream.getvalue()

    def restore(self, content: bytes) -> None:
        """Continue from what `to_bytes` gave.

        Raises:
            ValueError: If the content is damaged or from another architecture.
        """
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            _assign(self.classifier.logits.variables, _series(arrays, "weight"))
            _assign(self.program.optimizer.variables, _series(arrays, "optimizer"))
            self._best_weights = _series(arrays, "best")
            self._best_scores = arrays.get("best_scores")
            self.epoch, best_epoch = (int(n) for n in arrays["epochs"])
            self.best_epoch = best_epoch or None
            self.best_score = float(arrays["best_score"])


def _series(arrays: Any, prefix: str) -> list[npt.NDArray[Any]]:
    names = [n for n in arrays.files if n.rpartition("_")[0] == prefix and n.rpartition("_")[2].isdigit()]
    return [arrays[f"{prefix}_{i}"] for i in range(len(names))]


def to_probabilities(scores: Scores) -> npt.NDArray[np.float64]:
    """Turn scores into probabilities: (n,) of the second class for one output, else (n, n_classes)."""
    wide = scores.astype(np.float64)
    if wide.shape[1] == 1:
        from scipy.special import expit

        return np.asarray(expit(wide[:, 0]))
    from scipy.special import softmax

    return np.asarray(softmax(wide, axis=1))


def evaluate(scores: Scores, labels: Labels) -> tuple[float, float]:
    """Return mean cross entropy, in nats, and accuracy in [0, 1] of scores against the truth.

    Args:
        scores: Before the last activation, shape (n, 1) for two classes, else (n, n_classes).
        labels: Class numbers, shape (n,).
    """
    wide = scores.astype(np.float64)
    # Scores of a diverged model give a loss that is not a number, which is the answer and no mishap.
    with np.errstate(invalid="ignore"):
        if wide.shape[1] == 1:
            signed = np.where(labels == 1, wide[:, 0], -wide[:, 0])
            losses = np.logaddexp(0.0, -signed)
            hits = (wide[:, 0] > 0) == (labels == 1)
        else:
            from scipy.special import logsumexp

            losses = logsumexp(wide, axis=1) - wide[np.arange(len(labels)), labels]
            hits = wide.argmax(axis=1) == labels
    return float(losses.mean()), float(hits.mean())
