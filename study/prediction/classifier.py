"""A saved model in use: raw texts in, classes and probabilities out; TensorFlow is loaded when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.records.models import CARD_FILE, MODEL_FILE
from analysis.records.paths import AnyPath, as_path
from analysis.words.numbers import count
from study.data import FIRST_WORD
from study.data.encoding import cut_view, look_up
from study.errors import IntegrityError, StudyError
from study.prediction.lines import as_texts
from study.store.checksums import digest_of
from study.store.models import VOCABULARY_FILE, ModelCard, read_card
from study.training.backend import import_backend


@dataclass(frozen=True, repr=False)
class TextClassifier:
    """A saved model with its vocabulary.

    Attributes:
        folder: Where it lies.
        card: Where it comes from.
        vocabulary: Words by id, the first has the id `FIRST_WORD`.
    """

    folder: Path
    card: ModelCard
    vocabulary: tuple[str, ...]

    @classmethod
    def open(cls, path: AnyPath) -> Self:
        """Open a model's folder, or the best model of a study's directory.

        Raises:
            StudyError: If there is no model.
            IntegrityError: If a file of it is damaged.
        """
        path = as_path(path, error=StudyError)
        folder = path if (path / CARD_FILE).is_file() else _best_of(path)
        card = read_card(folder)
        if card is None:
            raise _unreadable(folder / CARD_FILE)
        for name, digest in card.digests.items():
            try:
                found = digest_of(folder / name)
            except OSError as error:
                raise _unreadable(folder / name) from error
            if found != digest:
                raise IntegrityError(
                    f"a model is the one its card describes: {folder / name} is missing or another; "
                    "restore the folder from a copy"
                )
        words = (folder / VOCABULARY_FILE).read_bytes().decode().split("\n")
        return cls(folder, card, tuple(words[:-1]))

    def __repr__(self) -> str:
        classes, words = count(len(self.card.classes), "class", "classes"), f"{len(self.vocabulary):,}"
        return f"<TextClassifier {self.folder}: {classes}, vocabulary of {words}>"

    def encode(self, texts: str | Sequence[str]) -> npt.NDArray[np.int32]:
        """Turn texts into ids as the study did: int32 of shape (n_texts, sequence_length).

        Raises:
            StudyError: If `texts` holds something else than strings.
        """
        rule, given = self.card.encoding, as_texts(texts)
        ids, offsets = look_up(given, rule.tokens, self.vocabulary)
        return cut_view(
            ids,
            offsets,
            np.arange(len(given)),
            np.zeros((0, 2), dtype=np.int32),
            vocab_size=FIRST_WORD + len(self.vocabulary),
            sequence_length=self.card.sequence_length,
            padding=rule.padding,
            truncation=rule.truncation,
        )

    @cached_property
    def model(self) -> Any:
        """The Keras model, loaded when it is first asked for, in safe mode.

        Raises:
            IntegrityError: If the file would run code, or Keras cannot read it.
        """
        import_backend()
        import keras

        path = self.folder / MODEL_FILE
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except (ValueError, TypeError) as error:
            said = " ".join(str(error).split())[:300]
            raise IntegrityError(
                f"a model is one that Keras reads in its safe mode: {path}: {said}; restore it from a copy"
            ) from error

    def predict(self, texts: str | Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the probability of each class: float64 of shape (n_texts, n_classes), rows sum to 1.

        Args:
            texts: A text, or several.

        Raises:
            StudyError: If `texts` holds something else than strings.
        """
        given = as_texts(texts)
        if not given:
            return np.empty((0, len(self.card.classes)))
        probabilities = np.asarray(self.model.predict(self.encode(given), verbose=0), dtype=np.float64)
        if probabilities.shape[1] == 1:
            probabilities = np.hstack([1.0 - probabilities, probabilities])
        return probabilities


def _best_of(path: Path) -> Path:
    folders = sorted(card.parent for card in path.glob(f"models/*/{CARD_FILE}"))
    if not folders:
        raise StudyError(
            f"a model's folder holds {CARD_FILE}, a study's directory models: {path} is neither; "
            "see `study list`"
        )
    scores: dict[Path, float] = {}
    for folder in folders:
        if (card := read_card(folder)) is None:
            raise _unreadable(folder / CARD_FILE)
        scores[folder] = card.score
    return max(scores, key=scores.__getitem__)


def _unreadable(path: Path) -> IntegrityError:
    return IntegrityError(
        f"a model is {MODEL_FILE}, {VOCABULARY_FILE} and {CARD_FILE}: {path} cannot be read; "
        "restore the folder from a copy"
    )
