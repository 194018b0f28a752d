"""The training of one replicate, epoch by epoch. Only a trial's worker imports this: it loads TensorFlow."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from study.data import PADDING
from study.training.metrics import Labels, Measures, Scores, evaluate, to_probabilities
from study.training.model import Classifier, Recipe
from study.training.program import Ids, ProgramCache, assign_values, mean_loss, read_values
from study.trial import EpochFigures

AREAS = ("roc_auc", "average_precision")
"""Measured on the validation side alone."""


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


class Trainer:
    """Trains one replicate; remembers its best epoch.

    Args:
        params: The setting.
        seed: Initialisation, order of batches and dropout follow from it.
        rows: The texts.
        objective: The figure of `EpochFigures` that makes an epoch the best; a loss where it is least.
        programs: Where traced graphs are kept between trials.
        recipe: What all models of the study have in common.
        class_weights: What each text's loss is multiplied by, by class, (n_classes,); 1 by default.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        seed: int,
        rows: Rows,
        objective: str,
        programs: ProgramCache,
        recipe: Recipe,
        class_weights: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self.seed, self.rows, self.objective = seed, rows, objective
        self._class_weights = class_weights
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
        self.program.train(self._ids, self._labels, order, self._batch_size, self._class_weights)
        validation_scores = self.program.score(self.rows.validation)
        train = evaluate(
            self.program.score(self.rows.train[self.rows.probe]), self.rows.train_labels[self.rows.probe]
        )
        validation = evaluate(validation_scores, self.rows.validation_labels)
        figures = EpochFigures(
            epoch=self.epoch,
            **{f"train_{name}": value for name, value in asdict(train).items() if name not in AREAS},
            **{f"val_{name}": value for name, value in asdict(validation).items()},
            learning_rate=float(self.program.optimizer.learning_rate.value.numpy()),
            epoch_s=time.perf_counter() - start,
        )
        self._remember(figures, validation_scores)
        return figures

    def _remember(self, figures: EpochFigures, validation_scores: Scores) -> None:
        value = getattr(figures, self.objective)
        # An area is not known where the validation texts have one class alone.
        score = -np.inf if value is None else -value if self.objective == "val_loss" else value
        if figures.is_finite and (score > self.best_score or self.best_epoch is None):
            self.best_score, self.best_epoch = score, figures.epoch
            self._best_weights = read_values(self.classifier.logits.variables)
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
            loss = mean_loss(tf.constant(self.rows.validation_labels[:n_rows]), rest(embedded))
        gradient = tape.gradient(loss, embedded).numpy() * len(ids)
        norms = np.where(ids == PADDING, np.nan, np.linalg.norm(gradient, axis=2))
        has_token = ~np.isnan(norms)
        totals = np.where(has_token, norms, 0.0).sum(axis=0)
        means = np.divide(
            totals, has_token.sum(axis=0), out=np.full(len(totals), np.nan), where=has_token.any(axis=0)
        )
        return np.asarray(means[::-1], dtype=np.float32)

    def test(self, ids: Ids, labels: Labels) -> Measures:
        """Measure the best epoch's weights on rows it never chose by."""
        assign_values(self.classifier.logits.variables, self._best_weights)
        return evaluate(self.program.score(ids), labels)

    def save_best(self, path: str) -> dict[str, float]:
        """Write the best epoch's model as a `.keras` file that plain Keras loads; return how fast it is.

        Returns:
            Milliseconds a text by texts at once, as `time_model` gives them.
        """
        from study.training.cells import plain_model
        from study.training.speed import time_model

        model = self.classifier.probabilities
        current = read_values(model.variables)
        assign_values(model.variables, self._best_weights)
        plain = plain_model(model)
        assign_values(model.variables, current)
        plain.save(path)
        return time_model(plain, self.rows.validation)

    def to_bytes(self) -> bytes:
        """Return all that continues this training in another process, as an npz file without pickles."""
        arrays: dict[str, Any] = {
            f"weight_{i}": v for i, v in enumerate(read_values(self.classifier.logits.variables))
        }
        arrays |= {f"optimizer_{i}": v for i, v in enumerate(read_values(self.program.optimizer.variables))}
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
            assign_values(self.classifier.logits.variables, _series(arrays, "weight"))
            assign_values(self.program.optimizer.variables, _series(arrays, "optimizer"))
            self._best_weights = _series(arrays, "best")
            self._best_scores = arrays.get("best_scores")
            self.epoch, best_epoch = (int(n) for n in arrays["epochs"])
            self.best_epoch = best_epoch or None
            self.best_score = float(arrays["best_score"])


def _series(arrays: Any, prefix: str) -> list[npt.NDArray[Any]]:
    names = [n for n in arrays.files if n.rpartition("_")[0] == prefix and n.rpartition("_")[2].isdigit()]
    return [arrays[f"{prefix}_{i}"] for i in range(len(names))]
