"""The models that a study kept, as their cards describe them: nothing of a model is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.records.schema import Phase

MODEL_FILE, CARD_FILE = "model.keras", "model.json"
_MAX_CARD_BYTES = 4 * 2**20


class _Encoding(BaseModel):
    tokens: str = ""
    padding: str
    truncation: str


class Card(BaseModel):
    """What a model's card says that a reader wants to know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    trial: int
    phase: Phase = "search"
    replicate: int
    epoch: int
    score: float
    params: dict[str, Any]
    encoding: _Encoding
    ms_per_text: dict[str, float] = {}


@dataclass(frozen=True, kw_only=True)
class KeptModel:
    """A model in its folder.

    Attributes:
        folder: Where it lies.
        card: Where it comes from.
        n_bytes: Size of the model's file.
    """

    folder: Path
    card: Card
    n_bytes: int


def find_best_model(study: Path) -> KeptModel | None:
    """Return the kept model with the best score, None where there is none whose card can be read.

    Args:
        study: The study's directory.
    """
    found = [model for path in sorted(study.glob(f"models/*/{CARD_FILE}")) if (model := _read(path))]
    return max(found, key=lambda model: model.card.score, default=None)


def _read(path: Path) -> KeptModel | None:
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            return None
        n_bytes = (path.parent / MODEL_FILE).stat().st_size
        card = Card.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return KeptModel(folder=path.parent, card=card, n_bytes=n_bytes)
