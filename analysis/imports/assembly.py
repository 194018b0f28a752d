"""A study out of runs that another tool made: what is missing there is missing here."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.imports.divergence import mark_diverged
from analysis.imports.metrics import OURS, flag_of, map_metrics
from analysis.imports.runs import ForeignRun, Source
from analysis.imports.settings import Place, find_seeds, infer_space, place_runs
from analysis.imports.steps import keep_measured, number_steps
from analysis.records.database import Records
from analysis.records.lines import as_baselines
from analysis.records.loading import Study, assemble
from analysis.records.schema import Objective, StudyFacts
from analysis.words.numbers import count, listing


class Naming(TypedDict, total=False):
    """What the names and figures of another tool mean, where they do not tell it themselves.

    Attributes:
        metrics: What the tool calls a metric of ours, e.g. `{"val_loss": "loss/val"}`.
        seed: The parameter that is the seed, where it is not called so.
        objective: The metric that chooses epochs and settings: the tool's, else accuracy, else loss, by
            default.
        percent: Whether shares are given out of 100.
        n_validation: Texts, or other samples, behind each validation metric; 0 where that is not known, and
            then no margin is given for them.
    """

    metrics: Mapping[str, str]
    seed: str | None
    objective: str | None
    percent: bool
    n_validation: int


def make_study(source: Source, *, name: str | None = None, **naming: Unpack[Naming]) -> Study:
    """Make a study of the runs of another tool.

    Args:
        source: The runs.
        name: Of the study; that of the source by default.
        naming: See `Naming`.

    Raises:
        AnalysisError: If there is no run, no metric of a validation split or a figure that cannot be.
    """
    check_naming(naming)
    if not source.runs:
        raise AnalysisError(f"{source.name}: holds no run of {source.tool}; nothing to import")
    names = [name for run in source.runs for name in run.metrics]
    others = {name for run in source.runs for name in run.params}
    mapped = map_metrics(names, naming.get("metrics", {}), source.guesses, others)
    seeds = find_seeds(source.runs, naming.get("seed"))
    places = place_runs(source.runs, seeds)
    objective = _choose_objective(naming.get("objective"), source.objective, mapped)
    judged = mark_diverged(source.runs, mapped, objective)
    runs, left_out = keep_measured(judged, mapped)
    numbers, counted = number_steps(runs)
    epochs = _tabulate_epochs(runs, places, numbers, mapped, percent=naming.get("percent", False))
    origin = (*_say_settings(places), *_say_origin(source, mapped, epochs))
    notes = (*source.notes, *left_out, *counted, *origin)
    facts = StudyFacts.model_validate(
        {
            "name": name or source.name,
            "description": "",
            "source": source.name,
            "made_by": source.tool,
            "remarks": notes,
            "classes": (),
            "n_train": 0,
            "n_validation": naming.get("n_validation", 0),
            "n_test": 0,
            "objective": objective,
            "max_epochs": max(int(epochs["epoch"].max()) if len(epochs) else 1, 1),
            "design": "search",
            "space": _describe_space(source, places, seeds),
        }
    )
    attempts = _tabulate_attempts(runs, places)
    baselines = as_baselines(pd.DataFrame())
    records = Records(
        facts=facts, attempts=attempts, epochs=epochs, labels=None, baselines=baselines, line_answers={}
    )
    return assemble(records, Path(source.name), notes=notes)


def check_naming(naming: Mapping[str, Any]) -> None:
    """Refuse what is no key of `Naming`, or of no kind that it takes: nobody reads it.

    Raises:
        AnalysisError: If there is such a key or value.
    """
    unknown = next((name for name in naming if name not in Naming.__annotations__), None)
    if unknown is not None:
        raise AnalysisError(
            f"there is no argument {unknown!r}: there are {listing([*Naming.__annotations__])}"
        )
    n_validation = naming.get("n_validation", 0)
    if not isinstance(n_validation, int) or n_validation < 0:
        raise AnalysisError(f"n_validation counts samples from 0 on, not {n_validation!r}: correct it")
    if not isinstance(naming.get("metrics", {}), Mapping):
        raise AnalysisError('metrics is a mapping of names here to names there: {"val_loss": "loss/val"}')


def _choose_objective(objective: str | None, theirs: str | None, mapped: Mapping[str, str]) -> str:
    """The objective that the user names, else that of the tool, else accuracy or what there is."""
    known: list[str] = [ours for ours in get_args(Objective) if ours in mapped]
    if objective is None:
        return next((ours for ours in known if mapped[ours] == theirs), known[0])
    if objective not in known:
        raise AnalysisError(f"--objective {objective!r}: the runs are measured by {listing(known)}")
    return objective


def _describe_space(source: Source, places: Sequence[Place], seeds: Collection[str]) -> dict[str, Any]:
    """The tool's space without seeds; what the runs tell of it where there is none that does without."""
    from search_spaces import Space, SpaceError

    inferred = infer_space([place.params for place in places])
    if source.space is None:
        return inferred
    parameters = {name: domain for name, domain in source.space["parameters"].items() if name not in seeds}
    try:
        return Space.from_document(source.space | {"parameters": parameters}).to_document()
    except SpaceError:  # a condition or a constraint speaks of the seed
        return inferred


def _say_settings(places: Sequence[Place]) -> tuple[str, ...]:
    """What makes all runs one setting, where it may be a parameter that nobody named."""
    if len(places) < 2 or any(place.params for place in places):
        return ()
    return (
        f"No run has a parameter: all {len(places):,} are taken for replicates of one setting. Parameters "
        "are read from what the tool logged as such, from columns of a table, or from names of files and "
        "folders, as in units=32,seed=1.",
    )


def _say_origin(source: Source, mapped: Mapping[str, str], epochs: pd.DataFrame) -> tuple[str, ...]:
    """What a reader must know of figures that others recorded."""
    taken = listing([f"{ours} from {theirs!r}" for ours, theirs in mapped.items()])
    said = [f"The runs are {source.tool}'s; taken are {taken}."]
    missing = [ours for ours in OURS[:4] if ours not in mapped]
    if missing:
        said.append(f"Not recorded there: {listing(missing)}. What needs them is left out.")
    if len(epochs) and epochs["epoch"].max() == 1:
        said.append("Each run has one measurement: there are no curves to judge.")
    return tuple(said)


def _tabulate_attempts(runs: Sequence[ForeignRun], places: Sequence[Place]) -> pd.DataFrame:
    rows = [
        {
            "trial": place.trial,
            "phase": "search",
            "replicate": place.replicate,
            "attempt": 1,
            "state": run.state,
            "seed": place.seed,
            "params": json.dumps(place.params, default=str),
            "started_at": run.started_at,
            "wall_s": run.wall_s,
            "reason": run.reason,
        }
        for run, place in zip(runs, places, strict=True)
    ]
    return pd.DataFrame(rows)


def _tabulate_epochs(
    runs: Sequence[ForeignRun],
    places: Sequence[Place],
    numbers: Sequence[NDArray[np.int64]],
    mapped: Mapping[str, str],
    *,
    percent: bool,
) -> pd.DataFrame:
    parts = []
    for run, place, epoch in zip(runs, places, numbers, strict=True):
        columns = {
            ours: run.metrics.get(theirs, np.full(len(epoch), np.nan)) for ours, theirs in mapped.items()
        }
        key = {"trial": place.trial, "phase": "search", "replicate": place.replicate}
        parts.append(pd.DataFrame({**key, "epoch": epoch, **columns}))
    epochs = pd.concat(parts, ignore_index=True).replace([np.inf, -np.inf], np.nan)
    shares = [ours for ours in mapped if not ours.endswith("loss")]
    if percent:
        epochs[shares] = epochs[shares] / 100.0
    for ours in mapped:
        least = epochs[ours].min()
        if least < 0.0:
            raise AnalysisError(
                f"{mapped[ours]!r} is taken for {ours} and falls to {least:g}, but none is below 0: name "
                f"another with {flag_of(ours)}"
            )
    for ours in shares:
        top = epochs[ours].max()
        if top > 1.0:
            raise AnalysisError(
                f"{mapped[ours]!r} is taken for {ours} and reaches {top:g}, but a share lies in [0, 1]: say "
                f"--percent, or name another with {flag_of(ours)}"
            )
    return epochs


def describe(study: Study) -> str:
    """Say what was imported, in one sentence."""
    trials = study.trials
    return (
        f"{count(len(trials), 'run')} of {count(int(trials['trial'].nunique()), 'setting')}, "
        f"{count(len(study.epochs), 'epoch')}; parameters: {listing(list(study.parameters), 12) or 'none'}"
    )
