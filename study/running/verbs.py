"""The verbs of a study: run it, resume it, extend it, confirm its best settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from analysis.errors import AnalysisError
from analysis.records.schema import State
from analysis.words.numbers import count
from search_spaces.documents import dump_document
from study.designs import SearchDesign
from study.errors import StudyError
from study.machine.capacity import Capacity, check_resources, count_cpus
from study.running.leg import Leg
from study.running.options import RunOptions
from study.running.result import StudyResult
from study.search.checks import check_startable
from study.search.samplers import check_sampler
from study.search.source import Source
from study.search.warm_start import WarmStart, gather_warm_start
from study.spec.keys import put_setting
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.store.files import write_atomically
from study.store.growth import bring_up_to_date, changed_space, check_grown, check_unconfirmed, grow_spec
from study.store.ledger import Ledger
from study.store.manifest import Manifest

if TYPE_CHECKING:
    from study.search.audit import AuditedSearch
    from study.search.search import Search


def run_study(
    spec: StudySpec,
    out: Path = Path("studies"),
    **options: Unpack[RunOptions],
) -> StudyResult:
    """Run a study, or continue it where the same spec was interrupted.

    On the main thread SIGINT and SIGTERM end the leg: in order while trials run, which the result tells, and
    else the process, at once. At a prompt or in a notebook SystemExit is raised instead.

    Args:
        spec: What to do.
        out: The folder of studies; the study lies in `out/spec.name`.
        **options: As in `RunOptions`.

    Raises:
        StudyError: If the spec cannot be run here; nothing was started then.
    """
    directory = StudyDirectory(out / spec.name)
    if options.get("address") is None:
        # Before anything is written or started: a local Ray has exactly these.
        check_resources(Capacity(count_cpus(), float("inf"), 1), spec.resources.cpus_per_trial, 0.0)
    _check_same(directory, spec)
    if directory.spec.exists():
        check_sampler(spec.design, spec.space)
    else:
        check_startable(spec)
    return Leg(directory, spec, "run", _search, **options).run()


def resume_study(
    path: Path,
    *,
    data: str | None = None,
    **options: Unpack[RunOptions],
) -> StudyResult:
    """Continue an interrupted study from its directory.

    Args:
        path: The study's directory.
        data: Where its texts lie now, if they were moved; the spec is changed to say so.
        **options: As in `run_study`.

    Raises:
        StudyError: If there is no study, or it cannot be continued as it was.
        IntegrityError: If the texts are not those that the study began with.
    """
    directory = StudyDirectory(path).require()
    spec = directory.read_spec()
    if data is not None:
        spec = spec.model_copy(update={"data": spec.data.model_copy(update={"source": data})})

    def make_source(leg: Leg, ledger: Ledger, manifest: Manifest) -> Source:
        if data is not None:  # only here, where the texts are known to be the same
            write_atomically(directory.spec, dump_document(spec.to_document()))
        return _search(leg, ledger, manifest)

    return Leg(directory, spec, "resume", make_source, **options).run()


def extend_study(
    path: Path,
    changes: Mapping[str, Any],
    **options: Unpack[RunOptions],
) -> StudyResult:
    """Grow a study, finished or not: more trials, more seeds, more of a plan, or more epochs.

    What has been trained is not trained again, but for runs that reached the old maximum of epochs where
    there are more now: the weights they ended with were not kept. The same call continues an extension that
    was interrupted, and so does `resume_study`.

    Args:
        path: The study's directory.
        changes: New values by dotted key, `{"seeds": 5, "design.trials": 48}`.
        **options: As in `run_study`.

    Raises:
        StudyError: If there is no study, nothing is asked, it would shrink or become another, or it cannot be
            continued.
    """
    if not changes:
        raise StudyError(
            "an extension adds to a study: nothing is asked; name what becomes larger: trials, seeds, epochs"
        )
    directory = StudyDirectory(path).require()
    old = directory.read_spec()
    document = old.to_document()
    for key, value in changes.items():
        if key.partition(".")[0] == "space":
            raise changed_space(key)
        put_setting(document, key, value)
    spec = grow_spec(old, document)
    check_sampler(spec.design, spec.space)

    def make_source(leg: Leg, ledger: Ledger, manifest: Manifest) -> Source:
        check_grown(old, ledger.facts, directory.spec)
        if spec.training.max_epochs > ledger.facts.max_epochs:
            check_unconfirmed(ledger)
        # Here, where the directory is held: the spec first, since any later leg follows it.
        write_atomically(directory.spec, dump_document(spec.to_document()))
        return _search(leg, ledger, manifest)

    return Leg(directory, spec, "extend", make_source, **options).run()


def retry_study(
    path: Path,
    **options: Unpack[RunOptions],
) -> StudyResult:
    """Train again what failed or took too long, and whatever else is left to do.

    What diverged is left: it follows from its parameters and seed, and would diverge again.

    Raises:
        StudyError: If there is no study, or it cannot be continued as it was.
    """
    directory = StudyDirectory(path).require()
    spec = directory.read_spec()

    def make_source(leg: Leg, ledger: Ledger, manifest: Manifest) -> Source:
        return _search(leg, ledger, manifest, retried=("failed", "timeout"))

    return Leg(directory, spec, "retry", make_source, **options).run()


def confirm_study(
    path: Path,
    *,
    top: int | None = None,
    n_seeds: int = 5,
    top_per: str | None = None,
    **options: Unpack[RunOptions],
) -> StudyResult:
    """Train the best settings again on fresh seeds, to their end, and open the test split once for each.

    The manifest notes the opening before it happens. A confirmation that was interrupted is continued by the
    same call; a setting that was confirmed is not confirmed again.

    Args:
        path: The study's directory.
        top: How many of the best settings, at least 1: 3 by default, 1 of each with `top_per`.
        n_seeds: Replicates of each, at least 1.
        top_per: A parameter: the best `top` settings with each of its values, in place of the best of all.
        **options: As in `run_study`.

    Raises:
        StudyError: If nothing completed, there is no sealed test split, or `top_per` is no parameter with a
            few values.
    """
    if top is None:
        top = 3 if top_per is None else 1
    for name, value in (("top", top), ("seeds", n_seeds)):
        if value < 1:
            raise StudyError(f"a confirmation needs settings and seeds: {name}={value}; give 1 or more")
    from study.search.confirmation import MOST_LEVELS, Confirmation, choose_settings

    directory = StudyDirectory(path).require()
    spec = asked = directory.read_spec()
    if isinstance(spec.design, SearchDesign):
        # Nothing is stopped early: a confirmed figure is that of a full training.
        spec = spec.model_copy(update={"design": spec.design.model_copy(update={"scheduler": "none"})})

    def make_source(leg: Leg, ledger: Ledger, manifest: Manifest) -> Source:
        check_grown(asked, ledger.facts, directory.spec)
        manifest.open_test(choose_settings(ledger, top, manifest.confirmed, top_per), n_seeds, top_per)
        return Confirmation(spec, ledger, manifest.confirmed)

    n_runs = top * n_seeds * (1 if top_per is None else MOST_LEVELS)
    return Leg(directory, spec, "confirm", make_source, n_confirmed=n_runs, **options).run()


def _search(
    leg: Leg, ledger: Ledger, manifest: Manifest, retried: Collection[State] = ()
) -> Search | AuditedSearch:
    """Return what a leg goes on with: the study's search, with its audit where one is asked for.

    Runs that ended in one of the states `retried` are tried again.
    """
    from study.search.audit import AuditedSearch
    from study.search.search import Search

    spec = leg.spec
    check_grown(spec, ledger.facts, leg.directory.spec)
    n_short = bring_up_to_date(ledger, spec)
    if n_short:
        leg.listener.on_stage(
            f"training {count(n_short, 'run')} again that ended at the old maximum of epochs"
        )
    for outcome in ledger.outcomes():
        if outcome.state in retried and outcome.assignment.phase != "confirm":
            ledger.redo(outcome.assignment)
    search = Search(spec, ledger, _begin_warm(leg, ledger, manifest) if spec.warm_start else None)
    if isinstance(spec.design, SearchDesign) and spec.design.audit_pruned is not None:
        return AuditedSearch(spec, search, ledger, spec.design.audit_pruned)
    return search


def _begin_warm(leg: Leg, ledger: Ledger, manifest: Manifest) -> WarmStart:
    """Return what earlier studies found when this one began: they may change, and be gone."""
    if ledger.warm_start is not None:
        return WarmStart.from_document(ledger.warm_start)
    try:
        start = gather_warm_start(leg.spec, manifest.content["data"])
    except (StudyError, AnalysisError) as error:
        if not ledger.outcomes():
            raise
        # A release that did not note it began the study.
        start = WarmStart((), (), [f"What earlier studies had found is not known any more: {error}"])
    leg.listener.on_design(start.said)
    ledger.note_warm_start(start.to_document())
    return start


def _check_same(directory: StudyDirectory, spec: StudySpec) -> None:
    if directory.spec.exists():
        # Read as a spec: one that an earlier release wrote lacks what has come since.
        if directory.read_spec().to_document() != spec.to_document():
            raise StudyError(
                f"an output folder holds one study: {directory.path} already holds another; give this one "
                "another name, or choose another folder; `study extend` adds to the one there"
            )
    elif directory.holds_foreign_files:
        raise StudyError(
            f"a new study needs a folder of its own: {directory.path} holds other files; "
            "give it another name, or choose another folder"
        )
