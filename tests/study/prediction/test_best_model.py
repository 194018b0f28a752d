"""One best model, whoever asks: the classifier that is opened and the card in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records.models import CARD_FILE, MODEL_FILE, find_best_model
from study.prediction.classifier import _best_of


@pytest.mark.parametrize("scores", [(0.5, 0.7, 0.6), (0.7, 0.7, 0.6), (-0.4, -0.3, -0.3)])
def test_the_report_describes_the_model_that_is_opened(tmp_path: Path, scores: tuple[float, ...]) -> None:
    for trial, score in enumerate(scores):
        folder = tmp_path / "models" / f"trial-{trial:04d}"
        folder.mkdir(parents=True)
        encoding = {"tokens": "words", "padding": "pre", "truncation": "pre"}
        card = {"trial": trial, "replicate": 1, "seed": 1, "epoch": 1, "score": score, "params": {}}
        card |= {"classes": ["a"], "encoding": encoding, "sha256": "", "vocabulary_sha256": ""}
        (folder / CARD_FILE).write_text(json.dumps(card))
        (folder / MODEL_FILE).write_bytes(b"model")

    reported = find_best_model(tmp_path)

    assert reported is not None
    assert reported.folder == _best_of(tmp_path)
