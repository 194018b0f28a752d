"""A classifier as a graph of TensorFlow's: strings in, classes and probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from study.data import PADDING
from study.prediction.encoder_graph import Encoder

if TYPE_CHECKING:
    from study.prediction.classifier import TextClassifier


class ServingGraph(tf.Module):  # type: ignore[misc]
    """What is exported.

    Args:
        classifier: Whose vocabulary, encoding and model the graph takes over.
    """

    def __init__(self, classifier: TextClassifier) -> None:
        super().__init__()
        self.model = classifier.model
        self._encoding = classifier.card.encoding
        self._length = classifier.card.sequence_length
        self._classes = tf.constant(classifier.card.classes)
        self._encode = Encoder(self._encoding.tokens, classifier.vocabulary)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="texts")])  # type: ignore[untyped-decorator]
    def classify(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the class of each text, shape (n,), and the probabilities of all, shape (n, n_classes)."""
        probabilities = self.model(self._fit(self._encode(texts)), training=False)
        if probabilities.shape[1] == 1:
            probabilities = tf.concat([1.0 - probabilities, probabilities], axis=1)
        return {
            "classes": tf.gather(self._classes, tf.argmax(probabilities, axis=1)),
            "probabilities": probabilities,
        }

    def _fit(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Cut and fill each row to the model's length."""
        ids = ids[:, -self._length :] if self._encoding.truncation == "pre" else ids[:, : self._length]
        if self._encoding.padding == "pre":
            # Reversed, filled behind and reversed again, a row is filled in front.
            return tf.reverse(self._fill(tf.reverse(ids, axis=[1])), axis=[1])
        return self._fill(ids)

    def _fill(self, ids: Any) -> tf.Tensor:
        return tf.cast(ids.to_tensor(PADDING, shape=(None, self._length)), tf.int32)
