from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.records.models import find_best_model
from study.data import DataSpec, EncodedCorpus, encode, load_corpus
from study.errors import EnvironmentFaultError, IntegrityError, StudyError
from study.prediction.classifier import TextClassifier
from study.prediction.export import export_classifier
from study.store.models import ModelStore
from study.training.model import Recipe
from study.training.program import ProgramCache
from study.training.trainer import Rows, Trainer
from study.trial import Assignment

PARAMS = {
    "cell": "gru",
    "bidirectional": False,
    "units": 3,
    "layers": 1,
    "vocab_size": 12,
    "sequence_length": 6,
    "embedding_dim": 4,
    "dropout": 0.0,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "batch_size": 8,
}

TEXTS = [
    "The film was good, really GOOD!",
    "it's bad (so bad) that I left <br /> early",
    "",
    "unknown words only: xyzzy",
    "Zwölf Boxkämpfer, ÉTÉ naïve; don't\ttab\nnew line",
    "a b c d e f g h i j k l m",
    "don't_snake-case 3.14 ?",
]


def make_corpus(folder: Path, tokens: str, truncation: str, padding: str) -> EncodedCorpus:
    path = folder / "texts.csv"
    rows = ["the film was good and really good,yes", "it's bad and so bad that i left early,no"] * 20
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    spec = DataSpec(source=str(path), tokens=tokens, truncation=truncation, padding=padding)
    return encode(load_corpus(spec), spec, folder / "cache")


def save_model(corpus: EncodedCorpus, folder: Path, score: float = 0.5, trial: int = 0) -> Path:
    rows = Rows(
        train=corpus.view("train", 12, 6),
        train_labels=corpus.labels_of("train"),
        probe=np.arange(4),
        validation=corpus.view("validation", 12, 6),
        validation_labels=corpus.labels_of("validation"),
    )
    trainer = Trainer(PARAMS, 1, rows, "val_accuracy", ProgramCache(), Recipe(2))
    trainer.train_epoch()
    path = folder / "model.keras"
    speed = trainer.save_best(str(path))
    assignment = Assignment(trial=trial, replicate=1, attempt=1, seed=1, params=PARAMS)
    ModelStore(folder / "models", 3, corpus).offer(assignment, score, 1, path.read_bytes(), speed)
    return folder / "models" / f"trial-{trial:04d}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[EncodedCorpus, Path]:
    folder = tmp_path_factory.mktemp("model")
    corpus = make_corpus(folder, "words", "pre", "pre")
    return corpus, save_model(corpus, folder)


def test_new_texts_are_encoded_as_the_study_encoded_its_own(saved: tuple[EncodedCorpus, Path]) -> None:
    corpus, folder = saved

    ids = TextClassifier.open(folder).encode(["the film was good and really good"])

    positive = corpus.view("train", 12, 6)[corpus.labels_of("train") == 1][0]
    assert ids[0].tolist() == positive.tolist()


def test_a_classifier_at_a_prompt_is_one_line_without_its_vocabulary(
    saved: tuple[EncodedCorpus, Path],
) -> None:
    said = repr(TextClassifier.open(saved[1]))

    assert said == f"<TextClassifier {saved[1]}: 2 classes, vocabulary of 9>"


def test_one_text_alone_is_no_list_of_its_letters(saved: tuple[EncodedCorpus, Path]) -> None:
    classifier = TextClassifier.open(saved[1])
    assert classifier.encode("the film").tolist() == classifier.encode(["the film"]).tolist()
    with pytest.raises(StudyError, match="text 1 is 1"):
        classifier.predict([1])  # type: ignore[list-item]


def test_the_card_has_the_milliseconds_of_a_text_alone_and_among_many(
    saved: tuple[EncodedCorpus, Path],
) -> None:
    kept = find_best_model(saved[1].parents[1])

    assert kept is not None
    assert list(kept.card.ms_per_text) == ["1", "256"]
    assert kept.card.ms_per_text["256"] < kept.card.ms_per_text["1"]


def test_probabilities_of_all_classes_sum_to_one(saved: tuple[EncodedCorpus, Path]) -> None:
    probabilities = TextClassifier.open(saved[1]).predict(TEXTS)

    assert probabilities.shape == (len(TEXTS), 2)
    assert probabilities.sum(axis=1) == pytest.approx(1.0)


def test_the_model_is_loaded_once_however_often_texts_are_classified(
    saved: tuple[EncodedCorpus, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    loaded: list[Path] = []
    load = keras.saving.load_model

    def load_and_note(path: Path, **options: object) -> object:
        loaded.append(path)
        return load(path, **options)

    monkeypatch.setattr(keras.saving, "load_model", load_and_note)
    classifier = TextClassifier.open(saved[1])

    first, again = classifier.predict(TEXTS), classifier.predict(TEXTS)

    assert loaded == [saved[1] / "model.keras"]
    assert again.tolist() == first.tolist()


def test_a_study_stands_for_its_best_model(saved: tuple[EncodedCorpus, Path]) -> None:
    corpus, folder = saved
    save_model(corpus, folder.parent.parent, score=0.9, trial=7)

    assert TextClassifier.open(folder.parent.parent).card.trial == 7


@pytest.mark.parametrize("name", ["model.keras", "model.json", "vocabulary.txt"])
def test_a_damaged_model_is_refused(saved: tuple[EncodedCorpus, Path], tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in saved[1].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content[:-1])

    with pytest.raises(IntegrityError, match="restore the folder"):
        TextClassifier.open(folder)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="is neither"):
        TextClassifier.open(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("tokens", ["words", "words_and_punctuation"])
@pytest.mark.parametrize(("truncation", "padding"), [("pre", "pre"), ("post", "post")])
def test_an_exported_model_reads_raw_strings_as_the_classifier_does(
    tmp_path: Path, tokens: str, truncation: str, padding: str
) -> None:
    corpus = make_corpus(tmp_path, tokens, truncation, padding)
    classifier = TextClassifier.open(save_model(corpus, tmp_path))
    expected = classifier.predict(TEXTS)

    export_classifier(classifier, tmp_path / "exported")

    probabilities, classes = serve(tmp_path / "exported", TEXTS)
    assert np.array(probabilities) == pytest.approx(expected, abs=1e-5)
    assert classes == [classifier.card.classes[i] for i in expected.argmax(axis=1)]
    with pytest.raises(StudyError, match="exists"):
        export_classifier(classifier, tmp_path / "exported")


SERVE = """
import json, locale, sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
out = serve(texts=tf.constant(json.loads(sys.argv[2])))
classes = [c.decode() for c in out["classes"].numpy()]
print(json.dumps([out["probabilities"].numpy().tolist(), classes, locale.setlocale(locale.LC_CTYPE)]))
"""


def serve(exported: Path, texts: list[str], **environment: str) -> tuple[list[list[float]], list[str]]:
    """What an exported model says of texts in a process of its own, where nothing of ours is imported."""
    finished = subprocess.run(
        [sys.executable, "-I", "-c", SERVE, str(exported), json.dumps(texts)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    probabilities, classes, locale = json.loads(finished.stdout.splitlines()[-1])
    assert locale == environment.get("LC_ALL", locale)
    return probabilities, classes


@pytest.fixture
def turkish(tmp_path: Path) -> dict[str, str]:
    """The environment of a real Turkish locale, in which the small letter of I has no dot."""
    compiled = tmp_path / "locales" / "tr_TR.UTF-8"
    compiled.parent.mkdir()
    if shutil.which("localedef") is None:
        pytest.skip("no localedef to make a locale with")
    made = subprocess.run(
        ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(compiled)], capture_output=True, check=False
    )
    if made.returncode > 1 or not compiled.is_dir():  # 1: with warnings
        pytest.skip("the sources of the Turkish locale are not installed")
    return {"LOCPATH": str(compiled.parent), "LC_ALL": "tr_TR.UTF-8"}


@pytest.mark.slow
def test_an_exported_model_reads_texts_alike_in_a_turkish_locale(
    saved: tuple[EncodedCorpus, Path], tmp_path: Path, turkish: dict[str, str]
) -> None:
    classifier = TextClassifier.open(saved[1])
    texts = [*TEXTS, "THE FILM THAT I LEFT", "\u0130T WAS GOOD, \u0131t was bad", "IT'S BAD"]
    expected = classifier.predict(texts)
    export_classifier(classifier, tmp_path / "exported")

    probabilities, _ = serve(tmp_path / "exported", texts, **turkish)

    assert np.array(probabilities) == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_an_export_that_cannot_be_written_is_said_in_one_line(
    saved: tuple[EncodedCorpus, Path], tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentFaultError, match=r"TensorFlow takes no name that is not UTF-8; "):
        export_classifier(TextClassifier.open(saved[1]), tmp_path / "\udcff")
    assert not list(tmp_path.iterdir())
    with pytest.raises(EnvironmentFaultError, match=r"/proc/exported: No such file .*choose another$"):
        export_classifier(TextClassifier.open(saved[1]), Path("/proc/exported"))


@pytest.mark.parametrize("is_there", [False, True])
def test_an_interrupted_export_leaves_nothing(
    saved: tuple[EncodedCorpus, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    folder = tmp_path / "above" / "exported"
    if is_there:
        folder.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))

    def stop(classifier: TextClassifier) -> None:
        (folder / "assets").mkdir()
        (folder / "saved_model.pb").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("study.prediction.serving.ServingGraph", stop)
    with pytest.raises(KeyboardInterrupt):
        export_classifier(TextClassifier.open(saved[1]), folder)

    assert sorted(tmp_path.rglob("*")) == before


def test_an_export_spares_a_folder_that_holds_something(
    saved: tuple[EncodedCorpus, Path], tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(StudyError, match="exists; choose another"):
        export_classifier(TextClassifier.open(saved[1]), tmp_path)
