"""The card of the best model: what it is, how good, and how to use it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.files import as_records
from analysis.records.models import MODEL_FILE, KeptModel, find_best_model
from analysis.records.predictions import classes_of
from analysis.report.content import Grid, Listing, Section
from analysis.statistics.comparisons.macro_f1 import resample_macro_f1
from analysis.statistics.evidence import Evidence
from analysis.statistics.intervals import area_half_width, percentile_interval, wilson_interval
from analysis.words.numbers import byte_size, count, listing, number, percent, whole
from search_spaces.documents import dump_document

_SIDES = {"pre": "front", "post": "the end"}
_KEPT = {"pre": "last", "post": "first"}
_MAX_NAME = 60
_TOKENS = {
    "words": (
        "A token is a word in lower case: what stands between spaces once all punctuation but the apostrophe",
        "is made a space",
    ),
    "words_and_punctuation": (
        "A token is a word in lower case, a run of letters, digits and underscores, or one other mark alone",
    ),
    "chars": (
        "A token is one character in lower case; spaces between others are one token, \u2581, and those at",
        "the ends are none",
    ),
    "bpe": (
        "A token is a part of a word in lower case, as the vocabulary has it; \u2581 begins one that follows",
        "a space. With this project, or in its export, texts are cut so",
    ),
}
"""What `study.data.tokens` makes of a text, by kind."""


def card_chapter(evidence: Evidence) -> Section | None:
    """The kept model with the best score, the one that `best_model()` opens; None where none was kept."""
    model = find_best_model(evidence.study.path.parent)
    if model is None:
        return None
    pairs = _describe(evidence, model)
    frame = pd.DataFrame({"what": list(pairs), "value": list(pairs.values())}, dtype=object)
    return Section(
        anchor="model",
        title="The best model",
        lead="The kept model with the best score on validation texts, as it was at its best epoch. It was "
        "chosen by these texts, so their figures flatter it a little.",
        blocks=[
            Grid(name="best-model", title="What it is", frame=frame, shown=frame),
            Listing(title="Its parameters", text=dump_document(model.card.params)),
            *_uses(evidence, model),
        ],
    )


def _describe(evidence: Evidence, model: KeptModel) -> dict[str, str]:
    facts, card = evidence.facts, model.card
    run = _find_run(evidence, model)
    seed = f"{'fresh ' if card.phase == 'confirm' else ''}seed {run.get('seed', '')}".strip()
    pairs = {
        "setting": str(run.get("label", "")),
        "run": f"trial {card.trial}, replicate {card.replicate}, {seed}, epoch {card.epoch}",
        "weights": whole(run.get("n_weights", float("nan"))),
        "file": f"{MODEL_FILE}, {byte_size(model.n_bytes)}",
        "speed": _say_speed(model),
        "validation accuracy": _share(run.get("val_accuracy"), facts.n_validation),
        "validation loss": number(run.get("val_loss", float("nan")), 3),
        "validation macro-F1": _say_macro_f1(evidence, model, run),
        "validation balanced accuracy": percent(run.get("val_balanced_accuracy", float("nan"))),
        "validation ROC AUC": _say_roc_auc(evidence, run),
        "test accuracy": _share(run.get("test_accuracy"), facts.n_test),
        "trained on": f"{count(facts.n_train, 'text')} of {facts.source}",
        "classes": f"{len(facts.classes):,}: {', '.join(facts.classes)}",
    }
    return {name: text for name, text in pairs.items() if text and any(sign.isalnum() for sign in text)}


def _find_run(evidence: Evidence, model: KeptModel) -> dict[str, Any]:
    runs, card = evidence.runs, model.card
    is_its = (runs["trial"] == card.trial) & (runs["phase"] == card.phase)
    found = as_records(runs[is_its & (runs["replicate"] == card.replicate)])
    return found[0] if found else {}


def _share(value: float | None, n: int) -> str:
    """An accuracy with Wilson's interval over the texts that it was measured on."""
    if value is None or pd.isna(value) or not n:
        return ""
    low, high = wilson_interval(value * n, n)
    return f"{percent(value)} ({percent(float(low))} to {percent(float(high))}, 95% over {count(n, 'text')})"


def _say_speed(model: KeptModel) -> str:
    """Milliseconds a text, where the run that trained it measured them; earlier releases did not."""
    known = [
        f"{number(ms, 2 if ms < 10 else 0)} ms a text {'alone' if size == '1' else f'in batches of {size}'}"
        for size, ms in model.card.ms_per_text.items()
    ]
    return f"{listing(known)}, on the machine that trained it, other runs beside it" if known else ""


def _say_macro_f1(evidence: Evidence, model: KeptModel, run: dict[str, Any]) -> str:
    value, card, labels = run.get("val_macro_f1", float("nan")), model.card, evidence.study.labels
    key = (card.trial, card.phase, card.replicate)
    if pd.isna(value) or labels is None or key not in evidence.study.predictions:
        return number(value, 3)
    predicted = classes_of(evidence.study.predictions[key])[np.newaxis]
    draws = resample_macro_f1(labels, predicted, len(evidence.facts.classes))
    (low,), (high,) = percentile_interval(draws)
    return (
        f"{number(value, 3)} ({number(low, 3)} to {number(high, 3)}, 95% over {count(len(labels), 'text')})"
    )


def _say_roc_auc(evidence: Evidence, run: dict[str, Any]) -> str:
    value, labels = run.get("val_roc_auc", float("nan")), evidence.study.labels
    if pd.isna(value) or labels is None:
        return ""
    half = area_half_width(value, int((labels == 1).sum()), int((labels == 0).sum()))
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    return f"{number(value, 3)} ({number(low, 3)} to {number(high, 3)})"


def _say_tokens(kind: str) -> list[str]:
    """What a token is, as comments; nothing of a kind that a later release added."""
    return [f"# {line}" for line in _TOKENS.get(kind, ())]


def _say_output(classes: Sequence[str]) -> str:
    if len(classes) == 2:
        return f"# What comes out, (n, 1): the probability of the second class, {classes[1][:_MAX_NAME]!r}"
    return (
        f"# What comes out, (n, {len(classes)}): a probability for each class, in the order of the list above"
    )


def _uses(evidence: Evidence, model: KeptModel) -> list[Listing]:
    study, folder = evidence.study.path.parent.as_posix(), model.folder.as_posix()
    length, encoding = model.card.params.get("sequence_length"), model.card.encoding
    path = f"{folder}/{MODEL_FILE}"
    keras = [
        "import keras",
        f"model = keras.saving.load_model({path!r}, compile=False)",
        f"model.predict(ids)  # int32, (n, {length})",
        "# ids: 1 begins a text, 2 is an unknown token, line k of vocabulary.txt has the id k + 2; of a",
        f"# longer text the {_KEPT.get(encoding.truncation)} {length} ids, a shorter one filled with 0 in "
        f"{_SIDES.get(encoding.padding)}",
        *_say_tokens(encoding.tokens),
        _say_output(evidence.facts.classes),
    ]
    return [
        Listing(
            title="With this project",
            text=f"import study\nclassifier = study.open({study!r}).best_model()\n"
            'classifier.predict(["A text."])  # probabilities, a row a text\n',
        ),
        Listing(
            title="With plain Keras",
            text="".join(f"{line}\n" for line in keras),
        ),
        Listing(
            title="From the command line",
            text=f'study predict {shlex.quote(study)} "A text."\n'
            f"study predict {shlex.quote(study)} --file texts.txt\n"
            f"study export {shlex.quote(study)} exported  # a SavedModel: strings in, classes out\n",
        ),
    ]
