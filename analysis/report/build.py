"""From a study to the contents of its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pandas as pd

from analysis.records.loading import Study
from analysis.report.chapters.amounts import amounts_chapter
from analysis.report.chapters.audited import audited_chapter
from analysis.report.chapters.beat import beat_chapter
from analysis.report.chapters.card import card_chapter
from analysis.report.chapters.confirmed import confirmed_chapter
from analysis.report.chapters.factor import factor_chapter, strongest_pair
from analysis.report.chapters.failures import failures_chapter
from analysis.report.chapters.gradient import gradient_chapter
from analysis.report.chapters.mistakes import mistakes_chapter
from analysis.report.chapters.overfit import overfitting_chapter, widest_pair
from analysis.report.chapters.question import question_chapter
from analysis.report.chapters.ranking import ranking_chapter
from analysis.report.chapters.search import search_chapter
from analysis.report.chapters.verdict import verdict_chapter
from analysis.report.content import Fact, Finding, Note, Report, Section
from analysis.report.faults import FAULTS_FILE, Faults
from analysis.report.findings import summarize
from analysis.statistics.evidence import Evidence, gather
from analysis.words.metrics import label_metric, say_score, with_interval
from analysis.words.numbers import count, duration, number, with_margin

_FRONT = (
    "trial",
    "val_accuracy",
    "state",
    "replicate",
    "val_accuracy_last",
    "val_loss",
    "val_loss_last",
    "train_accuracy",
    "best_epoch",
    "epochs_run",
    "n_weights",
    "wall_s",
    "epoch_s",
    "to_best_s",
)
_N_NAMES = 4
"""Columns before the parameters: what a row is, and how good, in sight also where the page is narrow."""

_CHAPTERS: dict[str, Callable[[Evidence], Section | None]] = {
    "amounts": amounts_chapter,
    "ranking": ranking_chapter,
    "verdicts": verdict_chapter,
    "overfitting": overfitting_chapter,
    "confirmation": confirmed_chapter,
    "audit": audited_chapter,
    "gradients": gradient_chapter,
    "mistakes": mistakes_chapter,
    "factors": factor_chapter,
    "search": search_chapter,
    "baselines": beat_chapter,
    "model": card_chapter,
    "failures": failures_chapter,
    "asked": question_chapter,
}
"""By the anchor of each, in the order of the page."""
_KIND = "Study of recurrent text classifiers"
_UNSAID = "unsaid"
_BACK = ("seed", "phase", "reason")


def build_report(
    study: Study,
    faults: Faults | None = None,
    on_chapter: Callable[[Section], None] = lambda chapter: None,
) -> Report:
    """Compute all that the report of one study says.

    Args:
        study: What `analysis.load` gave.
        faults: What could not be made before; what cannot be made here is added.
        on_chapter: Takes each chapter as soon as it is made.
    """
    faults = Faults() if faults is None else faults
    evidence = gather(study)
    sections = gather_unsaid(_chapters(evidence, faults, on_chapter))
    anchors = {section.anchor for section in sections}
    findings = faults.attempt("the findings", lambda: summarize(evidence), _say_as_finding)
    return Report(
        kind=_KIND if not study.facts.made_by else f"Study of runs of {study.facts.made_by}",
        title=study.name,
        subtitle=_subtitle(evidence),
        facts=faults.attempt("the figures at the top", lambda: _facts(evidence), lambda _: []),
        findings=[
            finding if finding.anchor in anchors else replace(finding, anchor=_UNSAID)
            for finding in sorted([*_warnings(evidence), *findings], key=_is_no_blindness)
        ],
        sections=sections,
        rows=_rows(evidence),
        tables=_tables(evidence, faults),
        faults=faults,
        footer=f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {study.path.name}.",
    )


def _chapters(evidence: Evidence, faults: Faults, on_chapter: Callable[[Section], None]) -> list[Section]:
    """Each chapter that there is something for; one that cannot be made says so in its place."""
    chapters = []
    for anchor, make in _CHAPTERS.items():
        chapter = faults.attempt(
            f"the chapter {anchor!r}", partial(make, evidence), partial(_say_as_chapter, anchor)
        )
        if chapter is not None:
            on_chapter(chapter)
            chapters.append(chapter)
    return chapters


def _say_as_chapter(anchor: str, said: str) -> Section:
    return Section(anchor=anchor, title=anchor.capitalize(), blocks=[Note(text=said, tone="warning")])


def _say_as_finding(said: str) -> list[Finding]:
    return [Finding(text=said, tone="warning", kind="fault")]


def gather_unsaid(sections: list[Section]) -> list[Section]:
    """Move chapters that only say what they cannot say into one, so that a small study has a short report."""
    kept = [section for section in sections if not _is_unsaid(section)]
    unsaid = [block for section in sections if _is_unsaid(section) for block in section.blocks]
    if not unsaid:
        return kept
    # Two chapters may lack the same thing: it is said once.
    chapter = Section(anchor=_UNSAID, title="What cannot be said", blocks=list(dict.fromkeys(unsaid)))
    index = next((i for i, section in enumerate(kept) if section.anchor == "failures"), len(kept))
    return [*kept[:index], chapter, *kept[index:]]


def _is_unsaid(section: Section) -> bool:
    if section.anchor == "failures":
        return False
    return all(isinstance(block, Note) and FAULTS_FILE not in block.text for block in section.blocks)


def _warnings(evidence: Evidence) -> list[Finding]:
    """Warnings about the texts stand first: no figure is better than they are."""
    warnings = evidence.facts.data_warnings
    return [Finding(text=f"The texts: {w}.", tone="warning", anchor="asked", kind="data") for w in warnings]


def _is_no_blindness(finding: Finding) -> bool:
    """What the accuracy hides is worth more to know than why it may be so."""
    return finding.kind != "blindness"


def _subtitle(evidence: Evidence) -> str:
    facts = evidence.facts
    trials = count(int(evidence.study.trials["trial"].nunique()), "trial")
    if facts.made_by:
        return f"{trials} of {facts.made_by}: {facts.source}. {facts.description}".strip()
    sentence = (
        f"{trials} on {facts.source}: "
        f"{count(len(facts.classes), 'class', 'classes')}, {count(facts.n_train, 'text')} to train on, "
        f"{facts.n_validation:,} to validate on."
    )
    return f"{sentence} {facts.description}".strip()


def _facts(evidence: Evidence) -> list[Fact]:
    runs = evidence.runs
    completed = int((runs["state"] == "completed").sum())
    found = []
    if not evidence.ranking.empty:
        top, objective = evidence.ranking.iloc[0], evidence.facts.objective
        metric, accuracy = label_metric(objective), with_margin(top["val_accuracy"], evidence.half_width)
        is_accuracy, at_last = objective == "val_accuracy", say_score(objective, top[f"{objective}_last"])
        found.append(
            Fact(
                label=f"best validation {metric}"
                if evidence.facts.validated_on == "validation"
                else f"best {metric}, on the test split",
                value=accuracy
                if is_accuracy
                else with_interval(objective, top["mean"], top["low"], top["high"]),
                detail=str(top["label"])
                if is_accuracy or pd.isna(top["val_accuracy"])
                else f"{top['label']}; accuracy {accuracy}",
            )
        )
    if not evidence.ranking.empty and evidence.has_curves:
        ends = "" if pd.isna(top[f"{objective}_last"]) else f"; {at_last} at the last"
        found.append(
            Fact(
                label="its best epoch",
                value=number(top["best_epoch"], 0 if top["best_epoch"] == int(top["best_epoch"]) else 1),
                detail=f"of {top['epochs_run']:.0f}{ends}",
            )
        )
    found.append(
        Fact(
            label="runs completed",
            value=f"{completed:,} of {len(runs):,}",
            detail=count(runs["setting"].nunique(), "setting"),
        )
    )
    time_s = runs["wall_s"].sum(min_count=1)
    if not (evidence.facts.made_by and pd.isna(time_s)):
        found.append(Fact(label="training time", value=duration(time_s), detail="all runs added up"))
    return found


def _rows(evidence: Evidence) -> pd.DataFrame | None:
    runs = evidence.runs
    if runs.empty:
        return None
    parameters = [name for name in evidence.study.parameters if name in evidence.varied]
    front = list(dict.fromkeys((*_FRONT[:1], evidence.facts.objective, *_FRONT[1:])))
    return runs[[*front[:_N_NAMES], *parameters, *front[_N_NAMES:], *_BACK]]


def _tables(evidence: Evidence, faults: Faults) -> dict[str, pd.DataFrame]:
    """The tables that are written beside those in the page, those that cannot be made left out."""
    groups = {
        "the tables of runs": lambda: {
            "trials": evidence.recorded.trials,
            "epochs": evidence.recorded.epochs,
        },
        "the tables of overfitting": lambda: _overfitting_tables(evidence),
        "the tables of the ranking": lambda: _ranking_tables(evidence),
        "the tables of factors": lambda: _factor_tables(evidence),
        "the table of gradients": lambda: {"gradient-reach": evidence.gradient_reach},
        "the tables of calibration": lambda: {
            "calibration": evidence.calibration,
            "reliability": evidence.reliability,
        },
        "the table of lines by amount": lambda: {"lines-by-amount": evidence.study.lines_by_amount},
        "the tables of mistakes": lambda: _mistake_tables(evidence),
    }
    tables: dict[str, pd.DataFrame] = {}
    for what, make in groups.items():
        tables |= faults.attempt(what, make, lambda _: {})
    optional = (
        "expected-best",
        "against-lines",
        "in-the-running",
        "importance",
        "gradient-reach",
        "calibration",
        "lines-by-amount",
        "reliability",
    )
    for name in optional:
        if name in tables and tables[name].empty:
            del tables[name]
    return tables


def _mistake_tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    tables = {}
    if not evidence.confusion.empty:
        names = dict(enumerate(evidence.facts.classes))
        tables["confusion"] = evidence.confusion.replace({"true": names, "predicted": names})
    if not evidence.accuracy_by_text.empty:
        tables["accuracy-by-text"] = evidence.accuracy_by_text
    return tables


def _overfitting_tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    tables = {}
    if not evidence.study.epochs.empty:
        tables["overfitting-by-replicate"] = evidence.overfitting
        tables["curve-noise"] = evidence.noise
    if evidence.factors:
        tables["overfitting-by-factor"] = evidence.overfitting_by_factor
    pair = widest_pair(evidence) if not evidence.study.epochs.empty else None
    if pair is not None:
        tables["gap-map"] = evidence.map_gap(*pair)
    return tables


def _ranking_tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    tables = {
        "expected-best": evidence.expected_best,
        "against-lines": evidence.against_lines,
        "in-the-running": evidence.in_the_running,
    }
    if not evidence.ranking.empty:
        tables["lines-to-beat"] = evidence.lines_to_beat
        tables |= {
            "front-time": evidence.fronts[evidence.time_cost],
            "front-size": evidence.fronts["n_weights"],
        }
    return tables


def _factor_tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    tables = {"importance": evidence.importance}
    if evidence.factors:
        tables |= {"effects": evidence.effects, "interactions": evidence.interactions}
        pair = strongest_pair(evidence)
        if pair is not None:
            tables["interaction-map"] = evidence.map_accuracy(*pair)
    return tables
