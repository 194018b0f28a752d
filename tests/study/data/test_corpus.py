from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import study.data.corpus as corpus_module
from study.data import DataSpec, RecallSpec, encode, load_corpus, reading_once
from study.data.rows import class_names
from study.errors import DataError

RECORDS = [{"text": f"text number {number}", "label": "ab"[number % 2]} for number in range(40)]


def load(folder: Path, records: list[dict[str, str]], **options: Any) -> Any:
    path = folder / "x.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return load_corpus(DataSpec(source=str(path), **options))


def test_the_same_data_give_the_same_fingerprints(tmp_path: Path) -> None:
    first = load(tmp_path, RECORDS)
    os.utime(tmp_path / "x.jsonl", (0, 0))
    second = load_corpus(DataSpec(source=str(tmp_path / "x.jsonl")))
    assert (first.fingerprint, first.split_fingerprint) == (second.fingerprint, second.split_fingerprint)
    assert first.file == second.file


def test_a_corpus_at_a_prompt_is_one_line_that_opens_no_text(tmp_path: Path) -> None:
    corpus = load(tmp_path, RECORDS)
    encoded = encode(corpus, DataSpec(source=str(tmp_path / "x.jsonl")), tmp_path / "cache")

    assert repr(corpus) == "<Corpus x.jsonl: 28 train, 8 validation, 4 test; 2 classes>"
    assert repr(encoded) == "<EncodedCorpus: 28 train, 8 validation, 4 test; 30 tokens by the rule words>"
    assert repr(corpus.splits) == "<Splits: 28 train, 8 validation, 4 test>"


def change_a_letter(records: list[dict[str, str]]) -> None:
    records[7]["text"] = "text  number 7"


def move_a_word(records: list[dict[str, str]]) -> None:
    records[7]["text"], records[8]["text"] = "text number", "7text number 8"


def change_a_label(records: list[dict[str, str]]) -> None:
    records[7]["label"] = "a"


def swap_two_rows(records: list[dict[str, str]]) -> None:
    records[7], records[8] = records[8], records[7]


def drop_a_row(records: list[dict[str, str]]) -> None:
    del records[7]


@pytest.mark.parametrize("change", [change_a_letter, move_a_word, change_a_label, swap_two_rows, drop_a_row])
def test_any_change_of_the_data_changes_their_fingerprint(
    tmp_path: Path, change: Callable[[list[dict[str, str]]], None]
) -> None:
    changed = [dict(record) for record in RECORDS]
    change(changed)
    assert load(tmp_path, changed).fingerprint != load(tmp_path, RECORDS).fingerprint


def test_a_byte_appended_changes_the_digest_of_the_file_alone(tmp_path: Path) -> None:
    before = load(tmp_path, RECORDS)
    with (tmp_path / "x.jsonl").open("a") as stream:
        stream.write("\n")
    after = load_corpus(DataSpec(source=str(tmp_path / "x.jsonl")))
    assert after.file.sha256 != before.file.sha256
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    "options",
    [
        {"split_seed": 1},
        {"validation_fraction": 0.3},
        {"test_fraction": 0.2},
        {"limit_train": 10},
        {"validate_on": "test"},
    ],
)
def test_any_change_of_the_split_changes_its_fingerprint_alone(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    before, after = load(tmp_path, RECORDS), load(tmp_path, RECORDS, **options)
    assert after.fingerprint == before.fingerprint
    assert after.split_fingerprint != before.split_fingerprint


def test_a_limited_corpus_keeps_only_the_rows_it_uses(tmp_path: Path) -> None:
    whole = load(tmp_path, RECORDS)
    limited = load(tmp_path, RECORDS, limit_train=10)
    assert len(limited.texts) == 10 + 8 + 4
    assert limited.texts_of("validation") == whole.texts_of("validation")
    assert set(limited.texts_of("train")) < set(whole.texts_of("train"))


def test_texts_and_labels_of_a_split_belong_together(tmp_path: Path) -> None:
    corpus = load(tmp_path, RECORDS, limit_train=12)
    truth = {record["text"]: record["label"] for record in RECORDS}
    for split in ("train", "validation", "test"):
        texts = corpus.texts_of(split, open_test=True)
        labels = corpus.labels_of(split, open_test=True)
        assert [corpus.classes[label] for label in labels] == [truth[text] for text in texts]


def test_the_texts_of_the_test_split_stay_sealed(tmp_path: Path) -> None:
    corpus = load(tmp_path, RECORDS)
    with pytest.raises(DataError, match="sealed"):
        corpus.texts_of("test")
    with pytest.raises(DataError, match="sealed"):
        corpus.labels_of("test")


def test_classes_that_are_numbers_stand_in_their_order() -> None:
    assert class_names(["10", "9", "-1", "9"]) == ("-1", "9", "10")
    assert class_names(["10", "9", "x"]) == ("10", "9", "x")


def test_in_recall_the_last_marker_is_the_label_at_its_distance() -> None:
    spec = DataSpec(
        source="recall", recall=RecallSpec(distance=3, length=12, alphabet=5, n_texts=400, seed=4)
    )
    corpus = load_corpus(spec)
    assert np.bincount(corpus.labels).tolist() == [200, 200]
    distances = set()
    for text, label in zip(corpus.texts, corpus.labels.tolist(), strict=True):
        tokens = text.split()
        assert len(tokens) == 12
        last = max(index for index, token in enumerate(tokens) if token in corpus.classes)
        assert tokens[last] == corpus.classes[label]
        distances.add(11 - last)
    assert distances == {3, 4, 5, 6}
    assert {token for text in corpus.texts for token in text.split()} == {
        *corpus.classes,
        *(f"noise{number}" for number in range(5)),
    }


def test_in_recall_earlier_markers_tell_nothing() -> None:
    corpus = load_corpus(DataSpec(source="recall", recall=RecallSpec(n_texts=4_000)))
    balances = []  # of the class's own marker over the other, the deciding one left out
    for text, label in zip(corpus.texts, corpus.labels.tolist(), strict=True):
        own, other = corpus.classes[label], corpus.classes[1 - label]
        balances.append(text.split().count(own) - 1 - text.split().count(other))
    # About 14.5 fair markers a text: a sum of 58,000 signs, beyond five deviations once in 1.7 million seeds.
    assert abs(sum(balances)) < 5 * np.sqrt(58_000)


def test_recall_repeats_given_its_seed_and_differs_given_another() -> None:
    texts = [
        load_corpus(DataSpec(source="recall", recall=RecallSpec(n_texts=50, seed=seed))).texts
        for seed in (0, 0, 1)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_the_package_loads_no_heavy_library_until_it_is_used() -> None:
    program = (
        "import sys, study.data; "
        "heavy = {'keras', 'numba', 'pandas', 'pyarrow', 'ray', 'scipy', 'tensorflow'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_loading_and_encoding_need_neither_tensorflow_nor_ray(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from study.data import *; spec = DataSpec(source='recall'); "
        "corpus = load_corpus(spec); encoded = encode(corpus, spec, pathlib.Path(sys.argv[1])); "
        "describe(corpus, encoded); encoded.view('train', 10, 10); "
        "print(sorted({'keras', 'ray', 'tensorflow'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_texts_are_read_once_while_several_steps_ask_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[DataSpec] = []
    load = corpus_module._load
    monkeypatch.setattr(corpus_module, "_load", lambda spec: read.append(spec) or load(spec))
    spec = DataSpec(source="recall")

    with reading_once():
        first, again = load_corpus(spec), load_corpus(DataSpec(source="recall"))
        other = load_corpus(DataSpec(source="recall", limit_train=50))
    after = load_corpus(spec)

    assert first is again
    assert len(other.splits.train) == 50
    assert after is not first
    assert len(read) == 3
