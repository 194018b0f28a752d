"""Which metric of another tool is which of ours, told by its name or by the user."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from analysis.errors import AnalysisError
from analysis.records.schema import EPOCH_METRICS, FURTHER_METRICS
from analysis.words.numbers import listing

OURS = (*EPOCH_METRICS, *FURTHER_METRICS)

_SIDES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_KINDS = {
    **dict.fromkeys(("loss", "cross entropy", "crossentropy", "log loss", "logloss", "nll"), "loss"),
    **dict.fromkeys(
        (
            "accuracy",
            "acc",
            "mean accuracy",
            "binary accuracy",
            "categorical accuracy",
            "sparse categorical accuracy",
            "top1",
        ),
        "accuracy",
    ),
    **dict.fromkeys(("macro f1", "f1 macro", "macro f1 score"), "macro_f1"),
    **dict.fromkeys(("balanced accuracy", "balanced acc"), "balanced_accuracy"),
    **dict.fromkeys(("roc auc", "auc roc", "auroc", "auc"), "roc_auc"),
    **dict.fromkeys(("average precision", "pr auc", "auprc"), "average_precision"),
}
_NOISE = {"epoch", "mean", "avg"}


def map_metrics(
    names: Iterable[str],
    given: Mapping[str, str],
    guesses: Mapping[str, str],
    others: Collection[str] = (),
) -> dict[str, str]:
    """Say which metric of a tool each of ours is.

    A name without a side, `loss`, is of the training texts where there is a `val_loss`, as Keras has it, and
    of validation texts otherwise. Metrics of a test split are left alone: they choose nothing.

    Args:
        names: The tool's metrics.
        given: The user's answer, name there by name here; it comes first.
        guesses: What a reader takes a name for that says nothing, name here by name there.
        others: What else the runs have, for messages: a metric may be taken for a parameter.

    Returns:
        Names there by names here.

    Raises:
        AnalysisError: If a name that was given is not there, two names claim to be one metric, or there is no
            metric of validation texts.
    """
    present = list(dict.fromkeys(names))
    _check_given(given, present)
    found: dict[str, list[str]] = {}
    sided = {name: _read_name(name) for name in present}
    has_validation = {kind for side, kind in sided.values() if side == "val"}
    for name, (side, kind) in sided.items():
        if name in given.values() or kind is None or side == "test":
            continue
        side = side or ("train" if kind in has_validation else "val")
        found.setdefault(f"{side}_{kind}", []).append(name)
    for name, ours in guesses.items():
        if name in present and ours not in found and name not in given.values():
            found[ours] = [name]
    for ours, claims in found.items():
        if len(claims) > 1 and ours in OURS and ours not in given:
            raise AnalysisError(
                f"{listing(claims)} may each be {ours}: say which, with {flag_of(ours)} {claims[0]!r}"
            )
    mapped = {ours: claims[0] for ours, claims in found.items() if ours in OURS} | dict(given)
    if not any(ours.startswith("val_") for ours in mapped):
        beside = f" among {listing(sorted(others), 12)}" if others else ""
        raise AnalysisError(
            "a study is judged by a metric of validation texts: "
            + (f"none is seen among {listing(present, 12)}" if present else f"no metric was recorded{beside}")
            + f"; say which, e.g. with {flag_of('val_loss')} NAME"
        )
    return {ours: mapped[ours] for ours in OURS if ours in mapped}


def tells_kind(name: str) -> bool:
    """Whether a name is that of a metric."""
    return _read_name(name)[1] is not None


def side_of(name: str) -> str | None:
    """The split that the name of a metric tells: train, val or test."""
    return _read_name(name)[0]


def split_metric(text: str) -> tuple[str, str]:
    """Read `OURS=THEIRS`.

    Raises:
        AnalysisError: If it is not of that form.
    """
    ours, equals, theirs = text.partition("=")
    if not (ours and equals and theirs):
        raise AnalysisError(f"--metric takes OURS=THEIRS: {text!r}; write e.g. --metric val_macro_f1=f1")
    return ours, theirs


def flag_of(ours: str) -> str:
    """The flag of the command line that names the metric of a tool."""
    if ours in EPOCH_METRICS:
        return f"--{ours.replace('_', '-')}"
    return f"--metric {ours}="


def _check_given(given: Mapping[str, str], present: list[str]) -> None:
    for ours, name in given.items():
        if ours not in OURS:
            raise AnalysisError(f"{ours!r} is no metric of a study: there are {', '.join(OURS)}")
        if name not in present:
            raise AnalysisError(
                f"{flag_of(ours)} {name!r}: the runs have no such metric; they have {listing(present, 12)}"
            )
    for name, n_claims in Counter(given.values()).items():
        if n_claims > 1:
            claims = [ours for ours, theirs in given.items() if theirs == name]
            raise AnalysisError(f"{name!r} is one metric, and is said to be {listing(claims)}: name it once")


def _read_name(name: str) -> tuple[str | None, str | None]:
    """The side and the kind of a metric that its name tells, None where it does not."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    kind = _KINDS.get(" ".join(word for word in words if word not in _SIDES and word not in _NOISE))
    kind = kind or _KINDS.get(" ".join(word for word in words if word not in _SIDES))
    return (sides[0] if len(set(sides)) == 1 else None), kind
