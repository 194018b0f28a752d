"""A classifier as a graph of TensorFlow's: strings in, classes and probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from study.data import FIRST_WORD, PADDING, START, UNKNOWN

if TYPE_CHECKING:
    from study.prediction.classifier import TextClassifier

# The marks that study.data.tokens turns into spaces, as a class of RE2.
_PUNCTUATION = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n]"""
# \w and \s of Python cover all scripts; RE2's cover ASCII alone.
_WORD = r"[\pL\pM\pN_]+"
_MARK = r"[^\pL\pM\pN_\s\pZ]"


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
        words = tf.constant(classifier.vocabulary, tf.string)
        ids = tf.range(FIRST_WORD, FIRST_WORD + len(classifier.vocabulary), dtype=tf.int64)
        self._numbers = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(words, ids), UNKNOWN)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="texts")])  # type: ignore[untyped-decorator]
    def classify(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the class of each text, shape (n,), and the probabilities of all, shape (n, n_classes)."""
        probabilities = self.model(self._encode(texts), training=False)
        if probabilities.shape[1] == 1:
            probabilities = tf.concat([1.0 - probabilities, probabilities], axis=1)
        return {
            "classes": tf.gather(self._classes, tf.argmax(probabilities, axis=1)),
            "probabilities": probabilities,
        }

    def _encode(self, texts: tf.Tensor) -> tf.Tensor:
        words = tf.strings.split(self._space_out(tf.strings.lower(texts, encoding="utf-8")))
        ids = tf.ragged.map_flat_values(self._numbers.lookup, words)
        start = tf.fill((tf.shape(texts)[0], 1), tf.constant(START, tf.int64))
        ids = tf.concat([start, ids], axis=1)
        ids = ids[:, -self._length :] if self._encoding.truncation == "pre" else ids[:, : self._length]
        if self._encoding.padding == "pre":
            # Reversed, filled behind and reversed again, a row is filled in front.
            return tf.reverse(self._fill(tf.reverse(ids, axis=[1])), axis=[1])
        return self._fill(ids)

    def _fill(self, ids: Any) -> tf.Tensor:
        return tf.cast(ids.to_tensor(PADDING, shape=(None, self._length)), tf.int32)

    def _space_out(self, lower: tf.Tensor) -> tf.Tensor:
        if self._encoding.tokens == "words":
            return tf.strings.regex_replace(lower, _PUNCTUATION, " ")
        return tf.strings.regex_replace(lower, f"({_WORD}|{_MARK})", r" \1 ")
