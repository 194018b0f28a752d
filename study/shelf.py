"""The best trials' models, each in a folder with all that is needed to use it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.data import FIRST_WORD
from study.directory import write_atomically
from study.trial import Assignment

if TYPE_CHECKING:
    from study.data import EncodedCorpus

MODEL_FILE = "model.keras"
VOCABULARY_FILE = "vocabulary.txt"
CARD_FILE = "model.json"


@dataclass(frozen=True)
class _Kept:
    score: float
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
        for card_path in sorted(folder.glob(f"*/{CARD_FILE}")):
            card = json.loads(card_path.read_text())
            self._kept[card["trial"]] = _Kept(card["score"], card_path.parent)

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
        floor = self.floor
        earlier = self._kept.get(assignment.trial)
        if floor is None or score <= (floor if earlier is None else earlier.score):
            return False
        folder = self._folder / f"trial-{assignment.trial:04d}"
        params = assignment.params
        words = self._corpus.vocabulary[: params["vocab_size"] - FIRST_WORD]
        # The card comes last: a folder without one is not a model.
        write_atomically(folder / MODEL_FILE, model)
        write_atomically(folder / VOCABULARY_FILE, "".join(f"{word}\n" for word in words))
        write_atomically(
            folder / CARD_FILE, json.dumps(self._card(assignment, score, best_epoch, model), indent=2)
        )
        self._kept[assignment.trial] = _Kept(score, folder)
        while len(self._kept) > self._n_models:
            worst = min(self._kept, key=lambda trial: self._kept[trial].score)
            shutil.rmtree(self._kept.pop(worst).folder)
        return True

    def _card(self, assignment: Assignment, score: float, best_epoch: int, model: bytes) -> dict[str, Any]:
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
            "sha256": hashlib.sha256(model).hexdigest(),
        }
