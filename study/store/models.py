"""The best trials' models, each in a folder with all that is needed to use it."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.records.models import CARD_FILE, MODEL_FILE
from analysis.records.schema import Phase
from study.data import FIRST_WORD, take_texts
from study.data.spec import Side, TokenRule
from study.store.files import disk_faults, remove, sync_folder, write_atomically
from study.trial import Assignment

if TYPE_CHECKING:
    from study.data import EncodedCorpus

logger = logging.getLogger(__name__)

VOCABULARY_FILE = "vocabulary.txt"


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
    phase: Phase = "search"
    replicate: int
    seed: int
    epoch: int
    score: float
    params: dict[str, Any]
    classes: tuple[str, ...]
    encoding: Encoding
    fingerprint: str | None = None
    """Of the texts that it was trained and chosen on, as in `Corpus`; None in cards of older studies."""
    ms_per_text: dict[str, float] = {}
    sha256: str
    vocabulary_sha256: str

    @property
    def sequence_length(self) -> int:
        """Ids that the model takes."""
        return int(self.params["sequence_length"])

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file beside the card, by its name."""
        return {MODEL_FILE: self.sha256, VOCABULARY_FILE: self.vocabulary_sha256}


def read_card(folder: Path) -> ModelCard | None:
    """Return what is known of the model in `folder`, None where its card cannot be read."""
    try:
        return ModelCard.model_validate_json((folder / CARD_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


@dataclass(frozen=True)
class _Kept:
    score: float
    run: tuple[str, int]
    folder: Path


class ModelStore:
    """Keeps the models of the best `n_models` trials, one a trial.

    Args:
        folder: The study's `models` folder; what it holds already is kept in the account.
        n_models: How many to keep.
        corpus: Gives the vocabulary and the encoding that a model needs to read text.
    """

    def __init__(self, folder: Path, n_models: int, corpus: EncodedCorpus) -> None:
        self._folder, self._n_models = folder, n_models
        self._corpus = corpus
        self._encoding = Encoding(tokens=corpus.tokens, padding=corpus.padding, truncation=corpus.truncation)
        self._kept: dict[int, _Kept] = {}
        for path in sorted(folder.glob("trial-*")):
            if not (path / CARD_FILE).exists():
                remove(path)  # a process died while it wrote or removed the model
            elif (card := read_card(path)) is None:
                logger.warning("%s is damaged: its model is left alone and not counted", path / CARD_FILE)
            else:
                self._kept[card.trial] = _Kept(card.score, (card.phase, card.replicate), path)

    @property
    def floor(self) -> float | None:
        """The score that a model must beat to be kept; None where none is."""
        if self._n_models == 0:
            return None
        if len(self._kept) < self._n_models:
            return float("-inf")
        return min(kept.score for kept in self._kept.values())

    def offer(
        self,
        assignment: Assignment,
        score: float,
        best_epoch: int,
        model: bytes,
        ms_per_text: dict[str, float] | None = None,
    ) -> bool:
        """Keep a model if it is good enough; return whether it was."""
        if not self._is_wanted(assignment, score):
            return False
        folder = self._folder / f"trial-{assignment.trial:04d}"
        params = assignment.params
        corpus = take_texts(self._corpus, params, assignment.seed)
        words = corpus.vocabulary[: params["vocab_size"] - FIRST_WORD]
        # The card is removed before any other file is touched, and written when all are there: wherever the
        # process dies in between, the folder has no card, and the next leg removes it.
        remove(folder / CARD_FILE)
        write_atomically(folder / MODEL_FILE, model)
        vocabulary = "".join(f"{word}\n" for word in words).encode()
        write_atomically(folder / VOCABULARY_FILE, vocabulary)
        card = ModelCard(
            trial=assignment.trial,
            phase=assignment.phase,
            replicate=assignment.replicate,
            seed=assignment.seed,
            epoch=best_epoch,
            score=score,
            params=dict(params),
            classes=tuple(self._corpus.classes),
            encoding=self._encoding,
            fingerprint=self._corpus.fingerprint,
            ms_per_text=ms_per_text or {},
            sha256=hashlib.sha256(model).hexdigest(),
            vocabulary_sha256=hashlib.sha256(vocabulary).hexdigest(),
        )
        write_atomically(folder / CARD_FILE, card.model_dump_json(indent=2))
        self._kept[assignment.trial] = _Kept(score, assignment.run[1:], folder)
        while len(self._kept) > self._n_models:
            worst = min(self._kept, key=lambda trial: self._kept[trial].score)
            _remove(self._kept.pop(worst).folder)
        return True

    def _is_wanted(self, assignment: Assignment, score: float) -> bool:
        floor = self.floor
        earlier = self._kept.get(assignment.trial)
        if floor is None or earlier is None:
            return floor is not None and score > floor
        # The same replicate again: the process died before its record was written, and this is the record.
        return earlier.run == assignment.run[1:] or score > earlier.score


def _remove(folder: Path) -> None:
    remove(folder / CARD_FILE)
    remove(folder)
    with disk_faults(folder):
        sync_folder(folder.parent)  # before a record says that the better model's trial is done with
