"""The lines to beat: simple models on the same split, and what has been published."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.words.literature import imdb_table
from analysis.words.metrics import label_metric, say_score
from analysis.words.numbers import MINUS, count, duration, listing, number, percent, points, with_sign

_LEAST_LUCK = 0.0005
"""Luck of the best epoch that would show in a sentence."""

_UNEVEN = (0.25, 1.5)
"""Times its even share that a class has, at most or at least, where macro-F1 is told beside the accuracy."""

_SHOWN = ("accuracy", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision")


def beat_chapter(evidence: Evidence) -> Section:
    """Our best of each cell against baselines and literature."""
    rows = evidence.lines_to_beat
    blocks: list[Block] = []
    if (rows["kind"] == "here").any() and len(rows) > 1:
        reading = read_baselines(evidence)
        has_published = bool((rows["kind"] == "published").any())
        blocks.append(
            Chart(
                name="lines-to-beat",
                title=f"The best of each cell among simple {'and published ' if has_published else ''}models",
                draw=partial(figures.lines_to_beat, evidence),
                reading=reading,
                alt=f"Accuracies of {count(len(rows), 'model')} in order. {reading}",
                table="lines-to-beat",
            )
        )
    blocks.extend(_tables(evidence))
    if evidence.study.baselines.empty:
        model = "such a model" if evidence.facts.made_by else "a recurrent model"
        text = f"No baseline was fitted: whether {model} is worth its cost is not known."
        blocks.append(Note(text=text, tone="warning"))
    missing = _missing(evidence)
    if missing:
        text = f"Not among them: {listing(missing)}, which could not be fitted on these texts."
        blocks.append(Note(text=text, tone="warning"))
    return Section(anchor="baselines", title="Lines to beat", lead=_lead(evidence), blocks=blocks)


def _missing(evidence: Evidence) -> list[str]:
    """The lines to beat that every study on such classes has, and this one has not."""
    expected = ["TF-IDF + logistic regression", *(["NB-SVM"] if len(evidence.facts.classes) == 2 else [])]
    drawn = set(evidence.study.baselines["name"])
    if "majority class" not in drawn:  # other tools' runs bring none of ours
        return []
    # Class weights stand behind a line's name.
    return [name for name in expected if not any(line.startswith(name) for line in drawn)]


def _lead(evidence: Evidence) -> str:
    lead = "Simple models, fitted once on the same training texts and judged on the same validation texts."
    if evidence.is_imdb:
        lead += (
            " Published figures are for the 25,000 test reviews after training on all 25,000 others, so they "
            "are a scale to read ours by, not a comparison on equal terms."
        )
    return lead


def read_baselines(evidence: Evidence) -> str:
    """Where the best setting stands against the strongest simple model, and the published ones."""
    if evidence.ranking.empty:
        return "No run completed, so there is nothing to compare with."
    best = float(evidence.ranking["val_accuracy"].iloc[0])
    sentences = []
    lines = as_records(evidence.against_lines)
    if lines:
        first = _read_line(lines[0], "seed" if evidence.fresh.empty else "fresh seed")
        if evidence.facts.objective != "val_accuracy":
            first = f"By accuracy, {first[0].lower()}{first[1:]}"
        sentences.append(first)
        sentences.append(_read_f1(evidence, max(lines, key=lambda row: np.nan_to_num(row["f1_line"]))))
        sentences.append(_read_objective(evidence, lines))
    if evidence.is_imdb:
        published = imdb_table()
        plain = published[~published["extra_data"]]
        above = int((plain["test_accuracy"] > best).sum())
        sentences.append(
            f"Of {len(plain)} published models that learned from the labelled texts alone, {above} "
            f"{'is' if above == 1 else 'are'} higher."
        )
    return " ".join(filter(None, sentences))


def _read_line(row: dict[str, Any], seed: str = "seed") -> str:
    where = f"{row['name']} ({percent(row['accuracy'])})"
    picked, n = row["n_settings"] > 1, row["n_settings"]
    whose = "The best setting" if picked else "The setting"
    difference = row["difference"]
    if row["answer"] == "not told":
        side = "ahead" if difference >= 0 else "behind"
        verdict = f"cannot be told apart from {where}, {points(abs(difference))} {side}"
        if points(abs(difference)) == points(0.0):
            verdict = f"cannot be told apart from {where}, as accurate on these texts"
    else:
        verdict = f"is {points(abs(difference))} {row['answer']} {where}"
    texts = "the same texts" if row["paired"] else "texts"
    held = f"judged on {texts} under {count(row['n_runs'], seed)}"
    if row["luck"] >= _LEAST_LUCK:
        held += f", {points(row['luck'])} taken off for the luck of its best epoch"
    others = "seeds and texts" if row["n_runs"] > 1 else "texts"
    said = (
        f"{whose}, {percent(row['mean'])}, {verdict} ({held}): {with_sign(100 * row['low'])} to "
        f"{points(row['high'], signed=True)} for other {others}"
    )
    if not picked:
        return f"{said}."
    said += (
        f", with the luck of having been picked out of {n}, which adds "
        f"{points(row['low_alone'] - row['low'])} to either side"
    )
    if difference <= 0 or row["answer"] == "above":
        return f"{said}."
    return (
        f"{said}; were all {n} only as good as the line, the luckiest would be as far ahead in "
        f"{percent(row['by_luck'], 0)} of studies."
    )


def _read_f1(evidence: Evidence, row: dict[str, Any]) -> str:
    """The same of macro-F1, where classes are so unequal, or so judged, that accuracy may hide them."""
    if pd.isna(row["f1_line"]) or not is_uneven(evidence):
        return ""
    name = f"{row['name']} ({number(row['f1_line'], 2)})"
    objective = ", the objective" if evidence.facts.objective == "val_macro_f1" else ""
    ends = f"{number(row['f1_low'], 2)} to {number(row['f1_high'], 2)}".replace("-", MINUS)
    verdict = (
        "cannot be told apart from"
        if row["f1_answer"] == "not told"
        else f"is {number(abs(row['f1_difference']), 2)} {row['f1_answer']}"
    )
    return f"By macro-F1{objective}, {number(row['f1'], 2)}, it {verdict} {name}: a difference of {ends}."


def _read_objective(evidence: Evidence, lines: list[dict[str, Any]]) -> str:
    """The same of the metric that judges settings, where neither accuracy nor macro-F1 is it: figures alone.

    Of lines only the classes are kept, not how sure they were, so that nothing can be drawn again.
    """
    objective = evidence.facts.objective
    told = objective == "val_accuracy" or (objective == "val_macro_f1" and pd.notna(lines[0]["f1_line"]))
    known = [row for row in lines if pd.notna(row["objective_line"])]
    if told or not known:
        return ""
    say, sign = partial(say_score, objective), 1 if evidence.facts.maximizes else -1
    known.sort(key=lambda row: -sign * row["objective_line"])
    own, best = known[0]["objective"], say(known[0]["objective"])
    ahead = [
        f"{row['name']} ({say(row['objective_line'])})"
        for row in known
        if sign * (row["objective_line"] - own) > 0 and say(row["objective_line"]) != best
    ]
    if ahead:
        verdict = f"{listing(ahead)} {'is' if len(ahead) == 1 else 'are'} ahead of it"
    else:
        verdict = (
            f"no line is ahead of it, the nearest {known[0]['name']} ({say(known[0]['objective_line'])})"
        )
    return (
        f"By {label_metric(objective)}, the objective, it has {best}, and {verdict}; how far other texts "
        "could move that is not known."
    )


def is_behind_a_line(evidence: Evidence) -> bool:
    """Whether some line to beat cannot be said to lie below the best setting."""
    rows, sign = evidence.against_lines, 1 if evidence.facts.maximizes else -1
    ahead = sign * (rows["objective_line"] - rows["objective"]) > 0
    return bool((ahead | (rows["answer"] != "above")).any())


def is_uneven(evidence: Evidence) -> bool:
    """Whether classes are so unequal, or the study so judged, that accuracy is not all there is to say."""
    if evidence.facts.objective not in ("val_accuracy", "val_loss"):
        return True
    labels = evidence.study.labels
    if labels is None or not labels.size:
        return False
    n_classes = len(evidence.facts.classes)
    shares = np.bincount(labels, minlength=n_classes) / len(labels) * n_classes
    return bool(shares.min() <= _UNEVEN[0] or shares.max() >= _UNEVEN[1])


def _tables(evidence: Evidence) -> list[Block]:
    blocks: list[Block] = []
    baselines = evidence.study.baselines
    if not baselines.empty:
        whose = "" if evidence.facts.objective == "val_accuracy" else " in accuracy"
        shown = pd.DataFrame(
            {
                "model": baselines["name"],
                **{label_metric(name): _show_scores(baselines[f"val_{name}"]) for name in _SHOWN},
                **{
                    f"test {label_metric(name)}": _show_scores(baselines[f"test_{name}"])
                    for name in _SHOWN[:3]
                    if baselines[f"test_{name}"].notna().any()
                },
                "loss": [number(value, 3) for value in baselines["val_loss"]],
                "time to fit": [duration(value) for value in baselines["fit_s"]],
                f"best setting, difference{whose}": _show_differences(evidence, baselines["name"]),
            }
        )
        blocks.append(
            Grid(
                name="baselines",
                title="Simple models on the same split",
                frame=baselines,
                shown=shown,
                reading=_read_table(evidence),
            )
        )
    if evidence.is_imdb:
        published = imdb_table()
        shown = pd.DataFrame(
            {
                "model": published["model"],
                "test accuracy": [percent(value, 2) for value in published["test_accuracy"]],
                "learned from": [
                    "more than the labelled texts" if extra else "labelled texts"
                    for extra in published["extra_data"]
                ],
                "source": published["source"],
            }
        )
        blocks.append(Grid(name="published", title="Published figures", frame=published, shown=shown))
    return blocks


def _show_scores(values: pd.Series[float]) -> list[str]:
    return ["" if pd.isna(value) else say_score(str(values.name), value) for value in values]


def _show_differences(evidence: Evidence, names: pd.Series[str]) -> list[str]:
    """The best setting's lead over each line, in points, with its interval."""
    rows = {row["name"]: row for row in as_records(evidence.against_lines)}
    ends = {
        name: f"{points(row['difference'], signed=True)} "
        f"({with_sign(100 * row['low'])} to {with_sign(100 * row['high'])})"
        for name, row in rows.items()
    }
    return [ends.get(name, "") for name in names]


def _read_table(evidence: Evidence) -> str:
    rows = as_records(evidence.against_lines)
    if not rows:
        return ""
    first = rows[0]
    how = (
        "Differences are paired: each text is a case that both answered"
        if all(row["paired"] for row in rows)
        else "What lines said of each text was not kept, so errors count as independent, which is wide"
    )
    test = "McNemar's exact test" if first["n_runs"] == 1 and first["paired"] else "seeds and texts counted"
    picked = (
        f"; intervals are for the best of {first['n_settings']} settings" if first["n_settings"] > 1 else ""
    )
    text = f"{how} ({test}){picked}."
    if first["luck"] >= _LEAST_LUCK:
        text += f" The luck of its best epoch, {points(first['luck'])}, is taken off."
    if evidence.by_amount["train_size"].nunique() > 1:
        text += (
            " The table of amounts of text compares each setting as it is, with nothing taken off and as if "
            "it had been the only one: its differences are nearer to the figures, and its intervals narrower."
        )
    return text
