"""A saved model in use: raw texts in, classes and probabilities out; TensorFlow is loaded when it is used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from study.data import FIRST_WORD, PADDING, START, UNKNOWN
from study.data.spec import Side, TokenRule
from study.data.tokens import space_out
from study.errors import IntegrityError, StudyError
from study.store.models import CARD_FILE, MODEL_FILE, VOCABULARY_FILE
from study.training.backend import import_backend


class Encoding(BaseModel):
    """How a text becomes ids; as in the data section of the study that trained the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: TokenRule
    padding: Side
    truncation: Side


class ModelCard(BaseModel):
    """What lies beside a model: where it comes from and all that is needed to use it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    trial: int
    replicate: int
    seed: int
    epoch: int
    score: float
    params: dict[str, Any]
    classes: tuple[str, ...]
    encoding: Encoding
    sha256: str
    vocabulary_sha256: str

    @property
    def sequence_length(self) -> int:
        """Ids that the model takes."""
        return int(self.params["sequence_length"])


@dataclass(frozen=True)
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
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a model's folder, or the best model of a study's directory.

        Raises:
            StudyError: If there is no model.
            IntegrityError: If a file of it is damaged.
        """
        path = Path(path)
        folder = path if (path / CARD_FILE).is_file() else _best_of(path)
        try:
            card = ModelCard.model_validate_json((folder / CARD_FILE).read_bytes())
            model, vocabulary = (folder / MODEL_FILE).read_bytes(), (folder / VOCABULARY_FILE).read_bytes()
        except (OSError, ValidationError) as error:
            raise IntegrityError(
                f"a model is {MODEL_FILE}, {VOCABULARY_FILE} and {CARD_FILE}: {folder} has one that "
                "cannot be read; restore the folder from a copy"
            ) from error
        for name, content, digest in (
            (MODEL_FILE, model, card.sha256),
            (VOCABULARY_FILE, vocabulary, card.vocabulary_sha256),
        ):
            if hashlib.sha256(content).hexdigest() != digest:
                raise IntegrityError(
                    f"a model is the one its card describes: {folder / name} has another SHA-256; "
                    "restore the folder from a copy"
                )
        return cls(folder, card, tuple(vocabulary.decode().split("\n")[:-1]))

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Turn texts into ids as the study did: int32 of shape (len(texts), sequence_length)."""
        numbers = {word: number for number, word in enumerate(self.vocabulary, FIRST_WORD)}
        length, encoding = self.card.sequence_length, self.card.encoding
        ids = np.full((len(texts), length), PADDING, dtype=np.int32)
        for row, text in enumerate(texts):
            words = space_out(text, encoding.tokens).decode().split(" ")
            found = [START, *(numbers.get(word, UNKNOWN) for word in words if word)]
            kept = found[-length:] if encoding.truncation == "pre" else found[:length]
            if encoding.padding == "pre":
                ids[row, length - len(kept) :] = kept
            else:
                ids[row, : len(kept)] = kept
        return ids

    def load_model(self) -> Any:
        """Load the Keras model, in safe mode.

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

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the probability of each class: float64 of shape (len(texts), n_classes), rows sum to 1.

        Raises:
            StudyError: If `texts` is a single text, whose letters would be taken for texts.
        """
        if isinstance(texts, str):
            raise StudyError("texts are a list: a single one was given by itself; write [text]")
        if not texts:
            return np.empty((0, len(self.card.classes)))
        probabilities = np.asarray(self.load_model().predict(self.encode(texts), verbose=0), dtype=np.float64)
        if probabilities.shape[1] == 1:
            probabilities = np.hstack([1.0 - probabilities, probabilities])
        return probabilities

    def export(self, path: Path) -> None:
        """Write a SavedModel that takes raw strings, its preprocessing inside.

        Its signature `serving_default` maps `texts`, strings of shape (n,), to `probabilities`, float32 of
        shape (n, n_classes), and `classes`, strings of shape (n,). The `.keras` file is put beside it.

        Raises:
            StudyError: If `path` exists.
        """
        if path.exists():
            raise StudyError(
                f"an export needs a folder of its own: {path} exists; choose another or remove it"
            )
        import_backend()
        from study.prediction.export import export_classifier

        export_classifier(self, path)


def _best_of(path: Path) -> Path:
    cards = sorted(path.glob(f"models/*/{CARD_FILE}"))
    if not cards:
        raise StudyError(
            f"a model's folder holds {CARD_FILE}, a study's directory models: {path} is neither; "
            "see `study list`"
        )
    try:
        return max(cards, key=lambda card: ModelCard.model_validate_json(card.read_bytes()).score).parent
    except (OSError, ValidationError) as error:
        raise IntegrityError(
            f"a model card cannot be read: one of {path / 'models'}; restore the folder from a copy"
        ) from error
