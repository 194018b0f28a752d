"""What only a GPU shows: skipped where there is none, so run `pytest -m gpu` on one before a release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import study
from tests.study.pretend.reviews import SMALL, make_reviews

pytestmark = [pytest.mark.slow, pytest.mark.gpu]

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module", autouse=True)
def gpu() -> None:
    """Asks another process: one that has seen a GPU holds its memory."""
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    answer = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    if int(answer.stdout) == 0:
        pytest.skip("TensorFlow sees no GPU here")


def train(cell: str, way: str, devices: str | None = None) -> dict[str, object]:
    question = {"cell": cell, "units": 16, "length": 50, "way": way, "n_epochs": 1}
    environment = os.environ | ({} if devices is None else {"CUDA_VISIBLE_DEVICES": devices})
    command = [sys.executable, str(BENCHMARK), "--child", json.dumps(question)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_gpu_trains_by_cudnn_unasked_and_comes_to_the_loss_of_a_cpu(cell: str) -> None:
    on_card, on_cpu = train(cell, "cudnn"), train(cell, "cpu", devices="-1")

    assert on_card["ops"]
    assert not on_cpu["ops"]
    assert on_card["loss"] == pytest.approx(on_cpu["loss"], rel=1e-3)


def test_two_trials_share_a_gpu_by_halves(tmp_path: Path) -> None:
    result = study.run(
        make_reviews(), name="halves", out=tmp_path, **SMALL, resources={"gpus_per_trial": 0.5}
    )

    assert set(result.trials["state"]) == {"completed"}
    assert set(result.trials["cells"]) == {"keras"}
