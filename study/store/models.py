"""The best trials' models, each in a folder with all that is needed to use it."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.data import FIRST_WORD
from study.store.files import disk_faults, remove, sync_folder, write_atomically
from study.trial import Assignment

if TYPE_CHECKING:
    from study.data import EncodedCorpus

logger = logging.getLogger(__name__)

MODEL_FILE = "model.keras"
VOCABULARY_FILE = "vocabulary.txt"
CARD_FILE = "model.json"


@dataclass(frozen=True)
class _Kept:
    score: float
    replicate: int
    folder: Path


class ModelShelf:
    """Keeps the models of the best `n_models` trials, one a trial.

    Args:
        folder: The study's `models` folder; what it holds already is kept in the account.
        n_models: How many to keep.
        corpus: Gives the vocabulary and the encoding that a model needs to read text.
        tokens: The rule by which a text becomes tokens.
    """

    def __init__(self, folder: Path, n_models: int, corpus: EncodedCorpus, tokens: str) -> None:
        self._folder, self._n_models = folder, n_models
        self._corpus, self._tokens = corpus, tokens
        self._kept: dict[int, _Kept] = {}
        for path in sorted(folder.glob("trial-*")):
            if not (path / CARD_FILE).exists():
                remove(path)  # a process died while it wrote or removed the model
            elif (card := read_card(path)) is None:
                logger.warning("%s is damaged: its model is left alone and not counted", path / CARD_FILE)
            else:
                self._kept[card["trial"]] = _Kept(card["score"], card["replicate"], path)

    @property
    def floor(self) -> float | None:
        """The score that a model must beat to be kept; None where none is."""
        if self._n_models == 0:
            return None
        if len(self._kept) < self._n_models:
            return float("-inf")
        return min(kept.score for kept in self._kept.values())

    def offer(self, assignment: Assignment, score: float, best_epoch: int, model: bytes) -> bool:
        """Keep a model if it is good enough; return whether it was."""
        if not self._is_wanted(assignment, score):
            return False
        folder = self._folder / f"trial-{assignment.trial:04d}"
        params = assignment.params
        words = self._corpus.vocabulary[: params["vocab_size"] - FIRST_WORD]
        # The card goes first and comes last: a folder without one is not a model.
        remove(folder / CARD_FILE)
        write_atomically(folder / MODEL_FILE, model)
        vocabulary = "".join(f"{word}\n" for word in words).encode()
        write_atomically(folder / VOCABULARY_FILE, vocabulary)
        card = self._card(assignment, score, best_epoch) | {
            "sha256": hashlib.sha256(model).hexdigest(),
            "vocabulary_sha256": hashlib.sha256(vocabulary).hexdigest(),
        }
        write_atomically(folder / CARD_FILE, json.dumps(card, indent=2))
        self._kept[assignment.trial] = _Kept(score, assignment.replicate, folder)
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
        return earlier.replicate == assignment.replicate or score > earlier.score

    def _card(self, assignment: Assignment, score: float, best_epoch: int) -> dict[str, Any]:
        return {
            "trial": assignment.trial,
            "replicate": assignment.replicate,
            "seed": assignment.seed,
            "epoch": best_epoch,
            "score": score,
            "params": assignment.params,
            "classes": list(self._corpus.classes),
            "encoding": {
                "tokens": self._tokens,
                "padding": self._corpus.padding,
                "truncation": self._corpus.truncation,
            },
        }


def read_card(folder: Path) -> dict[str, Any] | None:
    """Return what is known of the model in `folder`, None where its card cannot be read."""
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        whole = isinstance(card["trial"], int) and isinstance(card["replicate"], int)
        return card if whole and isinstance(card["score"], float) and card["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove(folder: Path) -> None:
    remove(folder / CARD_FILE)
    remove(folder)
    with disk_faults(folder):
        sync_folder(folder.parent)  # before a record says that the better model's trial is done with
