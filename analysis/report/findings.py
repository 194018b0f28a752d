"""The findings of a study in sentences, each with its uncertainty."""

from __future__ import annotations

import math

from analysis.records.files import as_records
from analysis.records.nodes import find_odd_nodes, read_odd_node
from analysis.records.provenance import find_changes, read_change
from analysis.report.advice import advise
from analysis.report.chapters.amounts import read_amounts
from analysis.report.chapters.audited import read_audit
from analysis.report.chapters.beat import is_behind_a_line, read_baselines
from analysis.report.chapters.confirmed import read_best_of_levels, read_confirmation
from analysis.report.chapters.factor import read_boundaries
from analysis.report.chapters.lost_runs import read_lost
from analysis.report.chapters.mistakes import read_blindness
from analysis.report.chapters.overfit import read_factor_onsets, read_onsets
from analysis.report.chapters.question import read_never_drawn
from analysis.report.chapters.tested import read_factors
from analysis.report.chapters.verdict import read_levels, read_optimism, read_settings
from analysis.report.content import Finding, Tone
from analysis.statistics.evidence import AnyStudy, Evidence, gather
from analysis.words.metrics import label_metric, say_score, with_interval
from analysis.words.numbers import count, percent, with_margin


def summarize(study: AnyStudy) -> list[Finding]:
    """What the study found, most important first; limits of the study before its results.

    The kinds `best` and `onset` are always there: they say what is known, or that nothing is.
    """
    evidence = gather(study)
    findings = [
        *_blindness(evidence),
        *_limits(evidence),
        *_amounts(evidence),
        *_conclusion(evidence),
        *_confirmed(evidence),
        _best(evidence),
        *_verdicts(evidence),
        _onset(evidence),
        *_luck(evidence),
    ]
    findings.extend(_audit(evidence))
    findings.extend(_factors(evidence))
    findings.extend(_baselines(evidence))
    findings.extend(_never_drawn(evidence))
    findings.extend(_failures(evidence))
    findings.extend(_next(evidence))
    return findings


def _next(evidence: Evidence) -> list[Finding]:
    """What to do about it, each with its command."""
    return [Finding(text=f"Next: {advice}", anchor="ranking", kind="next") for advice in advise(evidence)]


def _blindness(evidence: Evidence) -> list[Finding]:
    """What an accuracy hides comes before it."""
    text = read_blindness(evidence)
    return [Finding(text=text, tone="warning", anchor="mistakes", kind="blindness")] if text else []


def _limits(evidence: Evidence) -> list[Finding]:
    found = [
        Finding(text=note, tone="warning", anchor="asked")
        for note in evidence.study.notes[:1]
        if "damaged" in note
    ]
    if evidence.facts.validated_on == "test":
        text = (
            "Validation was done on the test split: its texts chose the best epoch and setting, so no "
            "accuracy here is one on unseen texts, and all are likely to flatter."
        )
        found.append(Finding(text=text, tone="warning", anchor="asked", kind="validated-on-test"))
    found.extend(
        Finding(text=read_change(change), tone="warning", anchor="asked", kind="versions")
        for change in find_changes(evidence.study.manifest, evidence.study.trials)
    )
    found.extend(
        Finding(text=read_odd_node(odd), tone="warning", anchor="asked", kind="versions")
        for odd in find_odd_nodes(evidence.study.manifest, evidence.study.trials)
    )
    running = int((evidence.runs["state"] == "running").sum())
    if running:
        text = f"{count(running, 'run')} had not ended when this was written: figures may still change."
        found.append(Finding(text=text, tone="warning", anchor="failures", kind="running"))
    return found


def _confirmed(evidence: Evidence) -> list[Finding]:
    if evidence.confirmation.empty:
        return []
    texts = [read_confirmation(evidence), read_best_of_levels(evidence)]
    return [
        Finding(text=_by_accuracy(evidence, text), tone="good", anchor="confirmation", kind="confirmation")
        for text in texts
        if text
    ]


def _audit(evidence: Evidence) -> list[Finding]:
    if evidence.audit.empty:
        return []
    is_wrong = bool((evidence.audit_summary["n_wrong"] > 0).any())
    tone: Tone = "warning" if is_wrong else "plain"
    return [Finding(text=read_audit(evidence), tone=tone, anchor="audit", kind="audit")]


def _best(evidence: Evidence) -> Finding:
    if evidence.ranking.empty:
        text = f"No run completed, so there is no best setting.{_best_so_far(evidence)}"
        return Finding(text=text, tone="warning", anchor="failures", kind="best")
    top = evidence.ranking.iloc[0]
    replicates = int(top["n_completed"])
    over = f"over {count(replicates, 'seed')}" if replicates > 1 else "with one seed"
    accuracy = with_margin(top["val_accuracy"], evidence.half_width)
    margin, last = _explain_margin(evidence), top["val_accuracy_last"]
    objective = evidence.facts.objective
    when = "at its best epoch " if evidence.has_curves else ""
    if objective == "val_accuracy":
        text = f"Best setting: {top['label']}, with {accuracy} validation accuracy {when}{over}{margin}"
        text += f"{_at_last(evidence)}."
    else:
        text = (
            f"Best setting: {top['label']}, with a validation {label_metric(objective)} of "
            f"{with_interval(objective, top['mean'], top['low'], top['high'])} {when}{over}"
            f"{_at_last(evidence)}."
        )
        if not math.isnan(top["val_accuracy"]):
            then = " at that best epoch" if evidence.has_curves else ""
            end = f", and {percent(last)} at the last" if evidence.has_curves and not math.isnan(last) else ""
            text += f" Its accuracy is {accuracy}{then}{margin}{end}."
    return Finding(text=text, tone="good", anchor="ranking", kind="best")


def _at_last(evidence: Evidence) -> str:
    """What is left at the last epoch, nothing where that is not known."""
    objective = evidence.facts.objective
    last = evidence.ranking[f"{objective}_last"].iloc[0]
    if math.isnan(last) or not evidence.has_curves:
        return ""
    return f", and {say_score(objective, last)} at its last"


def _explain_margin(evidence: Evidence) -> str:
    if math.isnan(evidence.half_width):
        return ""
    seeds = "seeds and " if evidence.knows_seeds else ""
    return f" (the margin is for other {seeds}texts than these {evidence.facts.n_validation:,})"


def _best_so_far(evidence: Evidence) -> str:
    known = evidence.runs.dropna(subset=["val_accuracy", "best_epoch"])
    if known.empty:
        return ""
    top = as_records(known.nlargest(1, "val_accuracy"))[0]
    return (
        f" The highest accuracy so far is {percent(top['val_accuracy'])}, at epoch "
        f"{top['best_epoch']:.0f} of a run that did not complete: {top['label']}."
    )


def _amounts(evidence: Evidence) -> list[Finding]:
    """What a study of several amounts of text was run for."""
    if evidence.by_amount["train_size"].nunique() < 2:
        return []
    return [Finding(text=read_amounts(evidence), tone="good", anchor="amounts", kind="amounts")]


def _conclusion(evidence: Evidence) -> list[Finding]:
    """What one setting alone shows: where the validation loss turns, and what accuracy it reaches.

    Of the IMDB reviews, for which the notebook that this repeats had asked it, whether that passes 90%.
    """
    if evidence.completed["setting"].nunique() != 1:
        return []
    epochs = evidence.epochs[evidence.epochs["state"] == "completed"]
    curve = epochs.groupby("epoch")[["val_loss", "val_accuracy"]].mean().dropna()
    if len(curve) < 2:
        return []
    numbers = curve.index.to_numpy(dtype=int)
    lowest, last = int(numbers[curve["val_loss"].argmin()]), int(numbers[-1])
    loss, end = float(curve["val_loss"].min()), float(curve["val_loss"].iloc[-1])
    if lowest < last:
        turn = f"is lowest at epoch {lowest} ({loss:.4f}) and rises after it, to {end:.4f} at epoch {last}"
    else:
        turn = f"still falls at the last epoch, {last} ({end:.4f})"
    # Rounded to what is shown: figures of 32 bits lie beside the ones that were meant.
    highest, peak = round(float(curve["val_accuracy"].max()), 4), int(numbers[curve["val_accuracy"].argmax()])
    if not evidence.is_imdb:
        bound = f"is highest at epoch {peak} ({percent(highest)})"
    elif highest < 0.9:
        bound = f"stays below 90% in every epoch (at most {percent(highest, 2)})"
    else:
        bound = f"reaches {percent(highest, 2)}, above 90%"
    n_runs = epochs.dropna(subset=["val_loss", "val_accuracy"]).groupby("epoch").size().loc[numbers]
    least, most = int(n_runs.min()), int(n_runs.max())
    mean = f", averaged over {count(most, 'run')}," if most > 1 else ""
    if least < most:
        mean = f", averaged over the {least} to {most} runs that reached each epoch,"
    text = f"The validation loss{mean} {turn}; validation accuracy {bound}."
    return [Finding(text=text, tone="good", anchor="overfitting", kind="conclusion")]


def _onset(evidence: Evidence) -> Finding:
    return Finding(text=read_onsets(evidence), anchor="overfitting", kind="onset")


def _by_accuracy(evidence: Evidence, text: str) -> str:
    """Say by what is compared, where another metric than accuracy ranks the settings."""
    return text if evidence.facts.objective == "val_accuracy" else f"By accuracy: {text}"


def _luck(evidence: Evidence) -> list[Finding]:
    if evidence.optimism.empty or len(evidence.ranking) < 2:
        return []
    found = [Finding(text=read_optimism(evidence), anchor="verdicts", kind="optimism")]
    if not evidence.setting_verdicts.empty:
        text = _by_accuracy(evidence, read_settings(evidence))
        found.insert(0, Finding(text=text, anchor="verdicts", kind="settings"))
    return found


def _compares_levels(evidence: Evidence) -> bool:
    return bool(evidence.factors) and not evidence.level_verdicts["effect_pp"].isna().all()


def _verdicts(evidence: Evidence) -> list[Finding]:
    if not _compares_levels(evidence):
        return []
    whole, levels = read_factors(evidence), _by_accuracy(evidence, read_levels(evidence))
    found = [Finding(text=levels, anchor="verdicts", kind="levels")]
    if whole:
        whole = _by_accuracy(evidence, whole)
        # One test before its pairs; but first, and the pairs begin with it, that factors act together.
        index = 0 if evidence.simple_effects.empty else 1
        found.insert(index, Finding(text=whole, anchor="verdicts", kind="factors"))
    return found


def _factors(evidence: Evidence) -> list[Finding]:
    if not _compares_levels(evidence):
        return []
    found = []
    if not evidence.boundaries.empty and evidence.boundaries["widen"].any():
        found.append(
            Finding(text=read_boundaries(evidence), tone="warning", anchor="factors", kind="boundary")
        )
    if not evidence.has_onsets:
        return found
    return [*found, Finding(text=read_factor_onsets(evidence), anchor="overfitting", kind="onset-factors")]


def _baselines(evidence: Evidence) -> list[Finding]:
    if evidence.study.baselines.empty or evidence.ranking.empty:
        return []
    tone: Tone = "warning" if is_behind_a_line(evidence) else "plain"
    return [Finding(text=read_baselines(evidence), tone=tone, anchor="baselines", kind="baseline")]


def _never_drawn(evidence: Evidence) -> list[Finding]:
    text = read_never_drawn(evidence)
    return [Finding(text=text, tone="warning", anchor="asked", kind="never-drawn")] if text else []


def _failures(evidence: Evidence) -> list[Finding]:
    lost = int(evidence.runs["state"].isin(["failed", "diverged", "timeout"]).sum())
    found = []
    if lost:
        text = f"{lost:,} of {count(len(evidence.runs), 'run')} failed, diverged or ran out of time."
        found.append(Finding(text=text, tone="warning", anchor="failures", kind="failures"))
    if evidence.factors and read_lost(evidence):
        found.append(Finding(text=read_lost(evidence), tone="warning", anchor="verdicts", kind="lost"))
    return found
