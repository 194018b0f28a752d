"""From a study to the contents of its report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from analysis.records.loading import Study
from analysis.report.chapters.asked import asked_chapter
from analysis.report.chapters.audited import audited_chapter
from analysis.report.chapters.beat import beat_chapter
from analysis.report.chapters.confirmed import confirmed_chapter
from analysis.report.chapters.factor import factor_chapter
from analysis.report.chapters.failures import failures_chapter
from analysis.report.chapters.gradient import gradient_chapter
from analysis.report.chapters.overfit import overfitting_chapter, widest_pair
from analysis.report.chapters.ranking import ranking_chapter
from analysis.report.chapters.search import search_chapter
from analysis.report.chapters.verdict import verdict_chapter
from analysis.report.content import Fact, Note, Report, Section
from analysis.report.findings import summarize
from analysis.statistics.evidence import Evidence, gather
from analysis.words.numbers import count, duration, number, percent, plus_minus

_FRONT = (
    "trial",
    "replicate",
    "state",
    "val_accuracy",
    "val_accuracy_last",
    "val_loss",
    "val_loss_last",
    "train_accuracy",
    "best_epoch",
    "epochs_run",
    "n_weights",
    "wall_s",
)
_UNSAID = "unsaid"
_BACK = ("seed", "phase", "reason")


def build_report(study: Study) -> Report:
    """Compute all that the report of one study says."""
    evidence = gather(study)
    optional = confirmed_chapter(evidence), audited_chapter(evidence), gradient_chapter(evidence)
    asked_for = [chapter for chapter in optional if chapter is not None]
    sections = gather_unsaid(
        [
            ranking_chapter(evidence),
            verdict_chapter(evidence),
            overfitting_chapter(evidence),
            *asked_for,
            factor_chapter(evidence),
            search_chapter(evidence),
            beat_chapter(evidence),
            failures_chapter(evidence),
            asked_chapter(evidence),
        ]
    )
    anchors = {section.anchor for section in sections}
    return Report(
        kicker="Study of recurrent text classifiers",
        title=study.name,
        subtitle=_subtitle(evidence),
        facts=_facts(evidence),
        findings=[
            finding if finding.anchor in anchors else replace(finding, anchor=_UNSAID)
            for finding in summarize(evidence)
        ],
        sections=sections,
        rows=_rows(evidence),
        tables=_tables(evidence),
        footer=f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {study.path.name}.",
    )


def gather_unsaid(sections: list[Section]) -> list[Section]:
    """Move chapters that only say what they cannot say into one, so that a small study has a short report."""
    kept = [section for section in sections if not _is_unsaid(section)]
    unsaid = [block for section in sections if _is_unsaid(section) for block in section.blocks]
    if not unsaid:
        return kept
    # Two chapters may lack the same thing: it is said once.
    chapter = Section(anchor=_UNSAID, title="What cannot be said", blocks=list(dict.fromkeys(unsaid)))
    place = next((i for i, section in enumerate(kept) if section.anchor == "failures"), len(kept))
    return [*kept[:place], chapter, *kept[place:]]


def _is_unsaid(section: Section) -> bool:
    return section.anchor != "failures" and all(isinstance(block, Note) for block in section.blocks)


def _subtitle(evidence: Evidence) -> str:
    facts = evidence.facts
    sentence = (
        f"{count(int(evidence.study.trials['trial'].nunique()), 'trial')} on {facts.source}: "
        f"{count(len(facts.classes), 'class', 'classes')}, {count(facts.n_train, 'text')} to train on, "
        f"{facts.n_validation:,} to validate on."
    )
    return f"{sentence} {facts.description}".strip()


def _facts(evidence: Evidence) -> list[Fact]:
    runs = evidence.runs
    completed = int((runs["state"] == "completed").sum())
    found = []
    if not evidence.ranking.empty:
        top = evidence.ranking.iloc[0]
        found.append(
            Fact(
                label="best validation accuracy"
                if evidence.facts.validated_on == "validation"
                else "best accuracy, on the test split",
                value=percent(top["val_accuracy"]) + plus_minus(evidence.half_width),
                detail=str(top["label"]),
            )
        )
        found.append(
            Fact(
                label="its best epoch",
                value=number(top["best_epoch"], 0 if top["best_epoch"] == int(top["best_epoch"]) else 1),
                detail=f"of {top['epochs_run']:.0f}; {percent(top['val_accuracy_last'])} at the last",
            )
        )
    found.append(
        Fact(
            label="runs completed",
            value=f"{completed:,} of {len(runs):,}",
            detail=count(runs["setting"].nunique(), "setting"),
        )
    )
    found.append(
        Fact(
            label="training time", value=duration(runs["wall_s"].sum(min_count=1)), detail="all runs added up"
        )
    )
    return found


def _rows(evidence: Evidence) -> pd.DataFrame | None:
    runs = evidence.runs
    if runs.empty:
        return None
    parameters = [name for name in evidence.study.parameters if name in evidence.varied]
    return runs[[*_FRONT[:3], *parameters, *_FRONT[3:], *_BACK]]


def _tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    tables = {"trials": evidence.recorded.trials, "epochs": evidence.recorded.epochs}
    if not evidence.study.epochs.empty:
        tables["overfitting-by-replicate"] = evidence.overfitting
        tables["curve-noise"] = evidence.noise
    if evidence.factors:
        tables["overfitting-by-factor"] = evidence.overfitting_by_factor
    pair = widest_pair(evidence) if not evidence.study.epochs.empty else None
    if pair is not None:
        tables["gap-map"] = evidence.map_gap(*pair)
    if not evidence.expected_best.empty:
        tables["expected-best"] = evidence.expected_best
    if not evidence.ranking.empty:
        tables["lines-to-beat"] = evidence.lines_to_beat
        tables |= {"front-time": evidence.fronts["wall_s"], "front-size": evidence.fronts["n_weights"]}
    if evidence.factors:
        tables |= {"effects": evidence.effects, "interactions": evidence.interactions}
    if not evidence.importance.empty:
        tables["importance"] = evidence.importance
    if not evidence.gradient_reach.empty:
        tables["gradient-reach"] = evidence.gradient_reach
    if not evidence.calibration.empty:
        tables["calibration"] = evidence.calibration
    return tables
