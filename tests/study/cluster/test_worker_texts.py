"""Which texts a worker trains a trial on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from study.data import TRAIN_SIZE, DataSpec, EncodedCorpus, encode, load_corpus, take_texts
from study.trial import Assignment
from tests.study.pretend.reviews import make_reviews
from tests.study.pretend.small_study import make_spec

pytestmark = pytest.mark.slow  # it imports Ray and TensorFlow


@pytest.fixture
def corpus(tmp_path: Path) -> EncodedCorpus:
    path = tmp_path / "reviews.csv"
    make_reviews(300).to_csv(path, index=False)
    spec = DataSpec(source=str(path))
    return encode(load_corpus(spec), spec, tmp_path)


def make_worker(corpus: EncodedCorpus) -> Any:
    from study.cluster.worker import TrialWorker

    worker = object.__new__(TrialWorker)
    worker.setup(config_of(1, {}), corpus, make_spec())
    return worker


def config_of(seed: int, params: dict[str, Any]) -> dict[str, Any]:
    setting = {"vocab_size": 30, "sequence_length": 10, **params}
    assignment = Assignment(trial=0, replicate=1, attempt=1, seed=seed, params=setting)
    return {"assignment": asdict(assignment), "model_floor": None, "checkpoint": None}


def test_a_trial_sees_the_texts_of_its_amount_and_seed_by_their_own_vocabulary(corpus: EncodedCorpus) -> None:
    worker = make_worker(corpus)

    for seed, size in ((1, 20), (2, 20), (1, 40)):
        worker.reset_config(config_of(seed, {TRAIN_SIZE: size}))
        rows = worker._rows()

        part = take_texts(corpus, {TRAIN_SIZE: size}, seed)
        assert len(rows.train) == size
        assert rows.train.tolist() == part.view("train", 30, 10).tolist()
        assert rows.validation.tolist() == part.view("validation", 30, 10).tolist()
        assert rows.train_labels.tolist() == part.labels_of("train").tolist()
        assert rows.probe.max() < size
        assert worker._test_rows()[0].tolist() == part.view("test", 30, 10, open_test=True).tolist()


def test_without_an_amount_all_seeds_share_one_view_of_all_texts(corpus: EncodedCorpus) -> None:
    worker = make_worker(corpus)

    first = worker._rows()
    worker.reset_config(config_of(2, {}))

    assert worker._rows() is first
    assert len(first.train) == len(corpus.splits.train)
