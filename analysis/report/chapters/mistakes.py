"""What the best setting gets wrong: classes, lengths, and the texts themselves."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.plots import figures
from analysis.plots.mistakes import MAX_DRAWN, MAX_IN_HALF
from analysis.records.files import as_records
from analysis.records.texts import TextView
from analysis.report.content import Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import N_SHOWN, Evidence
from analysis.statistics.mistakes import (
    Judgements,
    compare_wrong_with_right,
    confused_pairs,
    majority_share,
    never_predicted,
)
from analysis.words.metrics import label_metric, say_score
from analysis.words.numbers import count, listing, number, numbers, percent, with_margin

_SIGNIFICANT = 0.025
"""Length and unknown words are two tests: half of the usual bound for each."""

_SURE = 0.9
_N_NAMED = 3
_N_PAIRS = 10
_MAX_SHOWN = 50
_OF_A_CLASS = (
    "Precision is the share of texts taken for the class that belong to it, recall the share of its texts "
    "that are found"
)
_TITLES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def mistakes_chapter(evidence: Evidence) -> Section:
    """Confusions, scores by class, accuracy by kinds of texts, and texts that are got wrong."""
    title, anchor, short = "What it gets wrong", "mistakes", "Mistakes"
    judged = evidence.judgements
    if judged is None:
        text = "No predictions of the best setting were kept, so nothing can be said of what it gets wrong."
        return Section(anchor=anchor, title=title, short=short, blocks=[Note(text=text)])
    blocks: list[Block] = [_confusion_chart(evidence)]
    view = evidence.text_view
    if view is None:
        text = (
            "The records hold neither lengths nor texts for this setting; the next leg of the study adds "
            "them. Until then texts are told by their place in the split."
        )
        blocks.append(Note(text=text))
    else:
        blocks.append(_text_chart(evidence, judged, view))
    blocks += [_pairs_grid(evidence), _classes_grid(evidence)]
    blocks += _text_grids(evidence, judged, view)
    return Section(anchor=anchor, title=title, short=short, lead=_lead(evidence, judged), blocks=blocks)


def _lead(evidence: Evidence, judged: Judgements) -> str:
    row = evidence.examined.iloc[0]
    seeds = count(judged.n_replicates, "fresh seed" if row["phase"] == "confirm" else "seed")
    over = "" if judged.n_replicates == 1 else "; figures are means over these"
    return (
        f"{row['label']}, at the best epoch of {seeds}{over}, on the {count(len(judged.labels), 'text')} of "
        f"the {evidence.facts.validated_on} split. Intervals say what as many other texts could move (95%)."
    )


def read_blindness(evidence: Evidence) -> str:
    """Which classes the best setting never predicts, and whether the majority class would do as well."""
    return " ".join(filter(None, (_read_never(evidence), _read_majority(evidence))))


def _read_never(evidence: Evidence) -> str:
    judged = evidence.judgements
    if judged is None:
        return ""
    scores = evidence.class_scores
    by_all, by_some = never_predicted(scores, judged.n_replicates)
    blind = by_all or by_some
    if not blind:
        return ""
    names = listing([evidence.facts.classes[number] for number in blind])
    share = scores.set_index("class").loc[blind, "support"].sum() / len(judged.labels)
    if by_all:
        under = ""
    else:
        most = int(scores.loc[scores["class"].isin(blind), "n_blind"].max())
        under = f", under {most} of {count(judged.n_replicates, 'seed')},"
    return (
        f"{evidence.examined['label'].iloc[0]}{under} never predicts {len(blind)} of "
        f"{count(judged.n_classes, 'class', 'classes')}: {names} ({percent(share)} of the texts). Its "
        f"accuracy of {percent(float(judged.share_right.mean()))} hides that; its macro-F1 is "
        f"{number(evidence.mean_macro_f1, 2)}."
    )


def _read_majority(evidence: Evidence) -> str:
    labels, ranking = evidence.study.labels, evidence.ranking
    if ranking.empty or labels is None or not labels.size:
        return ""
    best = float(ranking["val_accuracy"].iloc[0])
    majority, share = majority_share(labels)
    reach = 0.0 if np.isnan(evidence.half_width) else evidence.half_width
    if np.isnan(best) or best - reach > share:
        return ""
    said = f"The majority class alone, {evidence.facts.classes[majority]}, would reach {percent(share)}"
    own = f"the best setting's {with_margin(best, evidence.half_width)}"
    said += f", more than {own}." if best + reach < share else f": {own} cannot be told from it."
    return f"{said}{_read_majority_by_objective(evidence)}"


def _read_majority_by_objective(evidence: Evidence) -> str:
    """The same of the metric that judges settings, where that is not accuracy."""
    objective, lines = evidence.facts.objective, evidence.study.baselines
    own = lines.loc[lines["name"] == "majority class", objective].dropna()
    if objective == "val_accuracy" or own.empty:
        return ""
    line, best = (say_score(objective, value) for value in (own.iloc[0], evidence.ranking["mean"].iloc[0]))
    return f" By {label_metric(objective)}, the objective, it has {line} and the best setting {best}."


def _confusion_chart(evidence: Evidence) -> Chart:
    n_classes = len(evidence.facts.classes)
    reading = _read_confusion(evidence)
    if n_classes > MAX_DRAWN:
        reading += f" Of {n_classes} classes the {MAX_DRAWN} with most mistakes are drawn; the table has all."
    return Chart(
        name="confusion",
        title="Which class is taken for which?",
        draw=partial(figures.confusion, evidence),
        reading=reading,
        alt=f"Shares of each true class by predicted class. {reading}",
        table="confusion",
        wide=n_classes > MAX_IN_HALF,
    )


def _read_confusion(evidence: Evidence) -> str:
    pairs = as_records(confused_pairs(evidence.confusion).head(_N_NAMED))
    said = "Percent of each true class." if pairs else "Every text is taken for what it is."
    if pairs:
        first = pairs[0]
        true, predicted = _name(evidence, first["true"]), _name(evidence, first["predicted"])
        said += (
            f" Most often {true} is taken for {predicted}: "
            f"{percent(first['share'])} of its texts, {percent(first['share_of_mistakes'])} of all mistakes"
        )
        others = [
            f"{_name(evidence, row['true'])} for {_name(evidence, row['predicted'])}" for row in pairs[1:]
        ]
        said += f"; then {listing(others)}." if others else "."
    return f"{said} {_read_never(evidence)}".strip()


def _name(evidence: Evidence, number: int) -> str:
    return evidence.facts.classes[number]


def _text_chart(evidence: Evidence, judged: Judgements, view: TextView) -> Chart:
    reading = _read_texts(evidence, judged, view)
    return Chart(
        name="accuracy-by-text",
        title="Do length and unknown words hurt?",
        draw=partial(figures.accuracy_by_text, evidence),
        reading=reading,
        alt=f"Accuracy by tokens in the text and by share of unknown tokens. {reading}",
        table="accuracy-by-text",
        wide=False,
    )


def _read_texts(evidence: Evidence, judged: Judgements, view: TextView) -> str:
    words = {
        "tokens": ("longer", "shorter", "Length"),
        "unknown": ("richer", "poorer", "The share of unknown words"),
    }
    sentences = []
    for by, values in evidence.text_numbers.items():
        if by == "unknown" and not values.any():
            sentences.append("No text has an unknown word.")
            continue
        found = compare_wrong_with_right(judged, values)
        more, less, noun = words[by]
        if np.isnan(found.p_value) or found.p_value > _SIGNIFICANT:
            sentences.append(f"{noun} makes no difference that these texts could show.")
            continue
        share, word = (
            (found.share_larger, more) if found.share_larger > 0.5 else (1 - found.share_larger, less)
        )
        subject = f"{word} in unknown words" if by == "unknown" else word
        sentences.append(
            f"Of a text that is got wrong and one that is got right, the wrong one is {subject} in "
            f"{percent(share, 0)} of pairs (half would be chance)."
        )
    sentences.append(_read_cut(view))
    return " ".join(sentences)


def _read_cut(view: TextView) -> str:
    n, n_cut = len(view.n_tokens), int((view.n_seen < view.n_tokens).sum())
    if not n_cut:
        return "No text is cut: the model sees all of their tokens."
    share = percent(n_cut / n)
    some = f"{n_cut:,} of {n:,}" if share == percent(0.0) else f"{share} of the"
    return f"{some} texts are cut: the model does not see all of their tokens."


def _pairs_grid(evidence: Evidence) -> Grid:
    pairs = confused_pairs(evidence.confusion)
    frame = pairs.assign(
        true=[_name(evidence, n) for n in pairs["true"]],
        predicted=[_name(evidence, n) for n in pairs["predicted"]],
    )
    shown = pd.DataFrame(
        {
            "true class": frame["true"],
            "taken for": frame["predicted"],
            "texts": numbers(frame["n"], 1),
            "of the class": [percent(share) for share in frame["share"]],
            "of all mistakes": [percent(share) for share in frame["share_of_mistakes"]],
        }
    )
    return Grid(
        name="confused-pairs", title="Most confused classes", frame=frame, shown=shown, limit=_N_PAIRS
    )


def _classes_grid(evidence: Evidence) -> Grid:
    scores, (line, own) = evidence.class_scores, evidence.line_class_scores
    frame = scores.assign(**{"class": list(evidence.facts.classes)})
    if line:
        frame = frame.assign(**{f"{name}_line": own[name] for name in _TITLES}, line=line)
    rows = as_records(frame)
    columns = {
        "class": frame["class"].tolist(),
        "texts": [f"{n:,}" for n in frame["support"]],
        "taken for it": numbers(frame["n_predicted"], 1),
    }
    for name, title in _TITLES.items():
        columns[title] = [_say_score(row, name) for row in rows]
        if line:
            columns[f"{title}, line"] = [_say_share(value) for value in own[name]]
    judged = evidence.judgements
    by_run = ", run by run" if judged is not None and judged.n_replicates > 1 else ""
    reading = (
        f"Macro-F1 {number(evidence.mean_macro_f1, 3)}: the mean over classes{by_run}. {_OF_A_CLASS}; in "
        f"brackets 95% intervals over texts.{_read_line_by_class(evidence, scores, line, own)}"
    )
    return Grid(
        name="classes",
        title="Each class",
        frame=frame,
        shown=pd.DataFrame(columns),
        reading=reading,
        limit=_MAX_SHOWN,
    )


def _read_line_by_class(evidence: Evidence, scores: pd.DataFrame, line: str, own: pd.DataFrame) -> str:
    """Which classes the line to beat finds better than the best setting."""
    if not line:
        return ""
    said = f" Beside them the line to beat, {line}, with macro-F1 {number(float(own['f1'].mean()), 3)}"
    ahead = (own["f1"] - scores["f1"]).sort_values(ascending=False)
    better = [_name(evidence, int(number)) for number in ahead.index[ahead > 0]]
    if not better:
        return f"{said}; it is better at no class."
    n = f"{len(better)} of {count(len(scores), 'class', 'classes')}"
    return f"{said}; it has the higher F1 for {n}: {listing(better)}."


def _say_share(value: float) -> str:
    return number(value) if pd.isna(value) else f"{100 * value:.0f}%"


def _say_score(row: dict[str, Any], name: str) -> str:
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    return number(value) if pd.isna(value) else f"{100 * value:.0f}% ({100 * low:.0f} to {100 * high:.0f})"


def _text_grids(evidence: Evidence, judged: Judgements, view: TextView | None) -> list[Block]:
    wrong, always = evidence.confident_mistakes, evidence.wrong_in_all
    sure = int((wrong["confidence"] >= _SURE).sum()) if len(wrong) else 0
    grids: list[Block] = []
    if len(wrong):
        reading = (
            f"{count(len(wrong), 'text')} of {len(judged.labels):,} {'is' if len(wrong) == 1 else 'are'} got "
            f"wrong, {sure:,} of them with a confidence of {percent(_SURE, 0)} or more; the most confident "
            f"come first. {_legend(view)}"
        )
        frame = _with_texts(evidence, wrong, view)
        grids.append(_mistakes_grid("confident-mistakes", "Most confident mistakes", frame, view, reading))
    if len(always):
        all_seeds = "Both seeds" if judged.n_replicates == 2 else f"All {judged.n_replicates} seeds"
        agreed = int((always["n_agree"] == judged.n_replicates).sum())
        reading = (
            f"{all_seeds} get {count(len(always), 'text')} wrong "
            f"({percent(len(always) / len(judged.labels))}), {agreed:,} of them with the same answer: look "
            "at the labels of these first, for what every model takes for another class may be one."
        )
        frame = _with_texts(evidence, always, view)
        grids.append(_mistakes_grid("wrong-in-all", "Wrong under every seed", frame, view, reading))
    return grids


def _legend(view: TextView | None) -> str:
    is_cut = view is not None and any(text.before or text.after for text in view.excerpts.values())
    return "What stands in brackets was cut off, and not seen." if is_cut else ""


def _with_texts(evidence: Evidence, table: pd.DataFrame, view: TextView | None) -> pd.DataFrame:
    """A table of texts with names of classes and, where they are kept, lengths and the texts."""
    frame = table.assign(
        true=[_name(evidence, n) for n in table["true"]],
        predicted=[_name(evidence, n) for n in table["predicted"]],
    )
    if view is None:
        return frame
    rows = table["row"].to_numpy()
    texts = [view.excerpts.get(int(row)) for row in rows]
    parts = pd.DataFrame([{} if text is None else asdict(text) for text in texts], index=frame.index)
    frame = frame.assign(
        n_tokens=view.n_tokens[rows], n_seen=view.n_seen[rows], n_unknown=view.n_unknown[rows]
    )
    return frame.join(parts.reindex(columns=["before", "seen", "after"]))


def _mistakes_grid(name: str, title: str, frame: pd.DataFrame, view: TextView | None, reading: str) -> Grid:
    top = frame.head(N_SHOWN)
    shown = pd.DataFrame(
        {
            "text": [_text_of(int(row), view) for row in top["row"]],
            "true class": top["true"],
            "taken for": top["predicted"],
            "confidence": [percent(value) for value in top["confidence"]],
        }
    )
    return Grid(name=name, title=title, frame=frame, shown=shown, reading=reading.strip(), limit=N_SHOWN)


def _text_of(row: int, view: TextView | None) -> Any:
    known = None if view is None else view.excerpts.get(row)
    return f"row {row:,} of the split" if known is None else known
