"""What to do next: a sentence and a command that can be pasted, from what a study found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.files import as_records
from analysis.report.widening import widen
from analysis.statistics.amounts import TRAIN_SIZE
from analysis.statistics.evidence import Evidence
from analysis.statistics.mistakes import never_predicted
from analysis.words.labels import label_factor, label_value
from analysis.words.numbers import count, points
from analysis.words.verdicts import is_least

MAX_ADVICE = 3
"""More is no advice."""

FAR_BEHIND = 0.05
"""Where a line to beat is ahead by this much, whatever seeds and texts, no search makes up for it."""

_MAX_CONFIRMED = 4

_MOST_MORE = 10
"""Where a comparison lacks more than this, it is not worth the time."""


@dataclass(frozen=True)
class Advice:
    """What to do and why, in a sentence, and the command that does it; none where nothing is to be done."""

    text: str
    command: str = ""

    def __str__(self) -> str:
        """The sentence, the command after a colon."""
        return f"{self.text}: {self.command}" if self.command else f"{self.text}."


def advise(evidence: Evidence) -> list[Advice]:
    """Return what to do next, the most promising first; nothing where no run completed or some still run."""
    if evidence.ranking.empty or (evidence.runs["state"] == "running").any():
        return []
    longer = list(_train_longer(evidence))
    hopeless = list(_stop(evidence))
    # What was not trained to its end may yet catch up, unless it has overfitted since long.
    if hopeless and (not longer or _overfits(evidence)):
        return hopeless
    found = [
        *longer,
        *_weigh_classes(evidence),
        *_widen(evidence),
        *_confirm(evidence),
        *_add_runs(evidence),
    ][:MAX_ADVICE]
    # What another tool ran it has to go on with.
    return [Advice(advice.text) for advice in found] if evidence.facts.made_by else found


def _folder_of(evidence: Evidence) -> Path:
    path = Path(evidence.study.path)
    return path.parent if path.suffix in (".db", ".parquet") else path


def _stop(evidence: Evidence) -> Iterator[Advice]:
    lines = as_records(evidence.against_lines.head(1))
    if lines and lines[0]["high"] < -FAR_BEHIND:
        ahead = points(-lines[0]["high"])
        yield Advice(
            f"Stop here, or bring more texts: {lines[0]['name']} is ahead by {ahead} at least, more than "
            "tuning is likely to make up for"
        )


def _train_longer(evidence: Evidence) -> Iterator[Advice]:
    """Where every run of the best setting was at its best when it had to end."""
    last, best = evidence.facts.max_epochs, _best_runs(evidence)
    if best.empty or not evidence.has_curves or not (best["best_epoch"] == last).all():
        return
    text = f"The best setting was at its best in the last epoch, {last}: train longer"
    longer = f"training.max_epochs={2 * last}"
    if _can_grow_in_epochs(evidence):
        yield Advice(text, f"study extend {shlex.quote(str(_folder_of(evidence)))} --set {longer}")
    else:
        yield Advice(text, f"study run {_like(evidence, f'{2 * last}-epochs')} --set {longer}")


def _best_runs(evidence: Evidence) -> pd.DataFrame:
    """The search's completed runs of the best setting."""
    runs = evidence.completed
    best: pd.DataFrame = runs[
        (runs["setting"] == evidence.ranking["setting"].iloc[0]) & (runs["phase"] == "search")
    ]
    return best


def _overfits(evidence: Evidence) -> bool:
    """Whether the loss of every run of the best setting rises from some epoch on."""
    keys = ["trial", "phase", "replicate"]
    found = _best_runs(evidence)[keys].merge(evidence.overfitting, on=keys)["onset_epoch"]
    return len(found) > 0 and bool(found.notna().all())


def _weigh_classes(evidence: Evidence) -> Iterator[Advice]:
    """Where the best setting never predicts a class, and nothing was done about it."""
    judged, spec = evidence.judgements, evidence.facts.spec
    if judged is None or not never_predicted(evidence.class_scores, judged.n_replicates)[0]:
        return
    training = spec.get("training")
    weight = training.get("class_weight", "none") if isinstance(training, dict) else "none"
    is_weighed = weight != "none" or "class_weight" in evidence.facts.space.get("parameters", {})
    wanted = {} if is_weighed else {"training.class_weight": "balanced"}
    if spec.get("objective", "val_accuracy") in ("val_accuracy", "val_loss"):
        wanted["objective"] = "val_macro_f1"
    if wanted:
        options = " ".join(f"--set {key}={value}" for key, value in wanted.items())
        yield Advice(
            "The best setting never predicts some classes: let each class count alike",
            f"study run {_like(evidence, 'balanced')} {options}",
        )


def _can_grow_in_epochs(evidence: Evidence) -> bool:
    return evidence.facts.scheduler in (None, "none") and evidence.confirmation.empty


def _widen(evidence: Evidence) -> Iterator[Advice]:
    table = evidence.boundaries
    if table.empty:
        return
    for row in as_records(table[table["widen"]].sort_values("p_corrected")):
        name = str(row["parameter"])
        domain = evidence.facts.space.get("parameters", {}).get(name)
        wider = widen(domain, str(row["end"]))
        if wider is not None:
            setting = shlex.quote(f"space.{name}={wider}")
            at = f"{label_factor(name)} {row['bound']}"
            yield Advice(
                f"Accuracy still rises towards {at}, an end of what was tried: widen the range",
                f"study run {_like(evidence, f'wider-{name}')} --set {setting}",
            )
            return


def _confirm(evidence: Evidence) -> Iterator[Advice]:
    """Where several settings may be the best and none was trained on fresh seeds."""
    left = int(evidence.in_the_running["may_be_best"].sum()) if len(evidence.in_the_running) else 0
    if left < 2 or not evidence.confirmation.empty or not evidence.facts.n_test:
        return
    left = _with_most_text(evidence, left)
    if left < 2:
        return
    top = min(left, _MAX_CONFIRMED)
    of_text = " of the most text" if TRAIN_SIZE in evidence.factors else ""
    yield Advice(
        f"{count(left, 'setting')}{of_text} may be the best: train the first {top} on fresh seeds, and test "
        "them once",
        f"study confirm {shlex.quote(str(_folder_of(evidence)))} --top {top} --seeds 5",
    )


def _with_most_text(evidence: Evidence, left: int) -> int:
    """Of the first settings those before any of less text: who confirms takes the first."""
    if TRAIN_SIZE not in evidence.factors:
        return left
    sizes = evidence.ranking[TRAIN_SIZE].head(left)
    return int((sizes == evidence.ranking[TRAIN_SIZE].max()).cumprod().sum())


def _add_runs(evidence: Evidence) -> Iterator[Advice]:
    """Where nothing is shown to be better, and more of the same would tell."""
    if not evidence.factors or not evidence.confirmation.empty:
        return
    table = evidence.level_verdicts
    if (table["answer"] == "better").any():
        return
    unsettled = table[(table["answer"] == "not enough runs") & (table["factor"] != TRAIN_SIZE)]
    for row in as_records(unsettled.dropna(subset="more").sort_values("more")):
        more = _count_lacking(evidence, row)
        option = "" if more is None else _grow(evidence, row, more)
        if more is not None and option and more <= _MOST_MORE:
            yield Advice(
                f"At the end of the runs nothing is shown to be better; {_say_gain(row, more)}",
                f"study extend {shlex.quote(str(_folder_of(evidence)))} {option}",
            )
            return


def _say_gain(row: dict[str, Any], more: int) -> str:
    """What more runs would bring; of next to none, only what it takes to see anything."""
    runs = count(more, f"more {row['more_of']}")
    a, b = (label_value(row["factor"], row[side]) for side in ("a", "b"))
    if is_least(row):
        return f"it takes {runs} at least to say whether {a} and {b} differ"
    if round(abs(row["effect_pp"]), 1) > 0:
        return f"{runs} would tell {a} and {b} apart, if the difference stays"
    return f"{runs} would show whether {a} and {b} differ by what anybody would act on"


def _count_lacking(evidence: Evidence, row: dict[str, Any]) -> int | None:
    """What a comparison lacks, after the first epochs too where more are compared then; None: no number."""
    early = evidence.early_level_verdicts
    more = int(row["more"])
    if early.empty:
        return more
    is_same = (early["factor"] == row["factor"]) & (early["answer"] == "not enough runs")
    is_same &= early["a"].isin([row["a"], row["b"]]) & early["b"].isin([row["a"], row["b"]])
    is_same &= early["n_units"] > row["n_units"]
    found = early[is_same]
    if not (found["more_of"] == row["more_of"]).all():  # nothing would tell, or only more of something else
        return None
    return max([more, *(int(lacking) for lacking in found["more"])])


def _grow(evidence: Evidence, row: dict[str, Any], more: int) -> str:
    """The option that adds what a comparison lacks, nothing where the design has none."""
    spec = evidence.facts.spec
    design = spec.get("design")
    design = design if isinstance(design, dict) else {}
    if row["more_of"] == "seed":
        return f"--seeds {int(spec.get('seeds', 1)) + more}"
    scientific = list(design.get("scientific", ()))
    if row["more_of"] != "setting" or row["factor"] not in scientific or "trials" not in design:
        return ""
    n_levels = len(evidence.study.trials.drop_duplicates(scientific))
    return f"--trials {int(design['trials']) + more * n_levels}"


def _like(evidence: Evidence, what: str) -> str:
    """The options of a new study like this one."""
    name = f"{evidence.study.name[:40]}-{what}"[:64]
    folder = _folder_of(evidence)
    beside = "" if folder.parent == Path("studies") else f" --out {shlex.quote(str(folder.parent))}"
    return f"--like {shlex.quote(str(folder))} --name {shlex.quote(name)}{beside}"
