"""A leg of a study: from its spec, or from where the last leg stopped, to records, models and a report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.records import StudyFacts
from search_spaces.documents import dump_document
from study.cluster import Capacity, check_resources, count_cpus, ray_session
from study.designs import SearchDesign
from study.directory import StudyDirectory, write_atomically
from study.errors import StudyError
from study.interruption import Interruption
from study.ledger import Ledger
from study.manifest import Manifest, Purpose
from study.samplers import check_sampler
from study.spec import StudySpec, load_spec

if TYPE_CHECKING:
    from study.data import Corpus, EncodedCorpus
    from study.trial import Assignment, Report
    from study.worker import TrialWorker

logger = logging.getLogger(__name__)


WorkerLoader = Callable[[], "type[TrialWorker]"]
"""Gives the class that trains: only when Ray runs, which must not be imported before."""


class Listener:
    """Hears how a leg goes; the command line prints, a notebook may not care."""

    def on_stage(self, text: str) -> None:
        """Hear what is being done before and after the trials."""

    def on_design(self, sentences: Sequence[str]) -> None:
        """Hear, before anything runs, how much will be trained, and what that can and cannot answer."""

    def on_plan(self, n_trials: int, n_replicates: int, capacity: Capacity) -> None:
        """Hear what will be trained on what."""

    def on_report(self, assignment: Assignment, report: Report, state: str) -> None:
        """Hear of one epoch, or of a trial's end."""


@dataclass(frozen=True)
class _Means:
    """Why and by what a leg is run; the same study comes of any."""

    purpose: Purpose
    address: str | None
    listener: Listener
    load_worker: WorkerLoader


@dataclass(frozen=True)
class StudyResult:
    """What a leg leaves.

    Attributes:
        directory: Where everything lies.
        report: The report's page; None where a signal ended the leg.
        interruption: Why it ended before the search did; None where the search is done.
        stop_signal: The signal that ended it, if one did.
        n_unfinished_well: Replicates that failed, diverged or took too long.
    """

    directory: StudyDirectory
    report: Path | None
    interruption: str | None
    stop_signal: int | None
    n_unfinished_well: int


def run_study(
    spec: StudySpec,
    out: Path = Path("studies"),
    *,
    address: str | None = None,
    listener: Listener | None = None,
    load_worker: WorkerLoader | None = None,
) -> StudyResult:
    """Run a study, or continue it where the same spec was interrupted.

    Args:
        spec: What to do.
        out: The folder of studies; the study lies in `out/spec.name`.
        address: A Ray cluster to join, `auto` or `ray://...`; None starts Ray on this machine.
        listener: Hears how it goes.
        load_worker: Gives the class that trains; `study.worker.TrialWorker` unless something else is to be
            trained.

    Raises:
        StudyError: If the spec cannot be run here; nothing was started then.
    """
    directory = StudyDirectory(out / spec.name)
    if address is None:
        # Before anything is written or started: a local Ray has exactly these.
        check_resources(Capacity(count_cpus(), float("inf"), 1), spec.resources.cpus_per_trial, 0.0)
    _check_same(directory, spec)
    check_sampler(spec.design, spec.space)
    listener = listener or Listener()
    listener.on_design(spec.design.explain(spec.space, spec.seeds, spec.seed))
    return _run_leg(directory, spec, _Means("run", address, listener, load_worker or _load_worker))


def resume_study(
    path: Path,
    *,
    address: str | None = None,
    listener: Listener | None = None,
    load_worker: WorkerLoader | None = None,
) -> StudyResult:
    """Continue an interrupted study from its directory.

    Raises:
        StudyError: If there is no study, or it cannot be continued as it was.
    """
    directory = StudyDirectory(path).require()
    spec = read_spec(directory)
    return _run_leg(
        directory, spec, _Means("resume", address, listener or Listener(), load_worker or _load_worker)
    )


def _load_worker() -> type[TrialWorker]:
    from study.worker import TrialWorker

    return TrialWorker


def read_spec(directory: StudyDirectory) -> StudySpec:
    """Return what a study was asked to do."""
    return StudySpec.from_document(load_spec(directory.spec), str(directory.spec))


def _check_same(directory: StudyDirectory, spec: StudySpec) -> None:
    if directory.spec.exists():
        if load_spec(directory.spec) != spec.to_document():
            raise StudyError(
                f"an output folder holds one study: {directory.path} already holds another; give this one "
                "another name with --name, or another folder with --out"
            )
    elif directory.holds_foreign_files:
        raise StudyError(
            f"a new study needs a folder of its own: {directory.path} holds other files; "
            "give it another name with --name, or another folder with --out"
        )


def _run_leg(directory: StudyDirectory, spec: StudySpec, means: _Means) -> StudyResult:
    interruption = Interruption()
    with interruption.at_once():
        if directory.path.is_dir():
            with directory.lock():
                pass  # or whoever holds it is named before seconds are spent on reading
        means.listener.on_stage(f"reading {spec.data.source_name}")
        # Before the directory is made: data that cannot be used leaves nothing behind.
        corpus = _load_corpus(spec)
        with directory.lock():
            directory.sweep()
            return _run_locked(directory, spec, means, corpus, interruption)


def _load_corpus(spec: StudySpec) -> Corpus:
    from study.data import load_corpus

    return load_corpus(spec.data)


def _run_locked(
    directory: StudyDirectory, spec: StudySpec, means: _Means, corpus: Corpus, interruption: Interruption
) -> StudyResult:
    from study.baselines import fit_baselines
    from study.data import encode
    from study.data.cache import default_cache_folder

    encoded = encode(corpus, spec.data)
    ledger, manifest = _open_or_create(directory, spec, corpus, encoded)
    try:
        _train(directory, spec, means, encoded, ledger, manifest, interruption)
        if interruption.reason is None and not ledger.has_baselines:
            means.listener.on_stage("fitting the lines to beat")
            ledger.record_baselines(fit_baselines(encoded, default_cache_folder()))
        bad = sum(o.state in ("failed", "diverged", "timeout") for o in ledger.outcomes())
    finally:
        ledger.close()
    page = None
    # Who sent a signal waits for the end, a batch system for half a minute: the report can be written later.
    if interruption.signal is None:
        means.listener.on_stage("writing the report")
        page = publish(directory)
    return StudyResult(directory, page, interruption.reason, interruption.signal, bad)


def publish(directory: StudyDirectory) -> Path:
    """Derive tables and report from the records; both can be made again at any time."""
    import analysis

    study = analysis.load(directory.path)
    analysis.write_parquet(study, directory.path)
    return analysis.write_report(study, directory.report)


def _open_or_create(
    directory: StudyDirectory, spec: StudySpec, corpus: Corpus, encoded: EncodedCorpus
) -> tuple[Ledger, Manifest]:
    if directory.spec.exists():
        manifest = Manifest.open(directory)
        manifest.check_data(corpus)
        return Ledger.open(directory.records), manifest
    manifest = Manifest.create(directory, spec, corpus)
    directory.records.unlink(missing_ok=True)
    ledger = Ledger.create(directory.records, describe_facts(spec, corpus), encoded.labels_of("validation"))
    # The spec comes last: a folder without it holds no study, and is begun again.
    write_atomically(directory.spec, dump_document(spec.to_document()))
    return ledger, manifest


def describe_facts(spec: StudySpec, corpus: Corpus) -> StudyFacts:
    """Return what a reader of the records must know."""
    design = spec.design
    search = design if isinstance(design, SearchDesign) else None
    sizes = corpus.splits.sizes()
    return StudyFacts(
        name=spec.name,
        description=spec.description,
        source=corpus.source,
        classes=corpus.classes,
        n_train=sizes["train"],
        n_validation=sizes["validation"],
        n_test=sizes["test"],
        validated_on=corpus.validated_on,
        objective=spec.objective,
        max_epochs=spec.training.max_epochs,
        design=design.kind,
        sampler=search.sampler if search else None,
        scheduler=search.scheduler if search else None,
        study_seed=spec.seed,
        space=spec.space.to_document(),
        spec=spec.to_document(),
    )


def _train(
    directory: StudyDirectory,
    spec: StudySpec,
    means: _Means,
    encoded: EncodedCorpus,
    ledger: Ledger,
    manifest: Manifest,
    interruption: Interruption,
) -> None:
    from study.search import Search

    search = Search(spec, ledger, directory.search)
    if search.is_exhausted:
        return
    means.listener.on_stage("starting Ray")
    # The session ends before signals are handled otherwise, and Ray's own handlers are replaced by ours.
    with ray_session(means.address) as capacity, interruption.in_order():
        # Not before: Ray reads once, when it is imported, whether tokens are asked for.
        from study.checkpoints import CheckpointFolder
        from study.driver import Driver
        from study.shelf import ModelShelf
        from study.tuning import tune_trials

        check_resources(capacity, spec.resources.cpus_per_trial, spec.resources.gpus_per_trial)
        manifest.begin_leg(means.purpose, capacity)
        means.listener.on_plan(search.n_trials, spec.seeds, capacity)
        start = time.monotonic()
        if spec.resources.time_budget_s is not None:
            interruption.deadline = start + spec.resources.time_budget_s
        tokens = str(spec.data.resolved().tokens)
        shelf = ModelShelf(directory.models, spec.keep_models, encoded, tokens)
        checkpoints = CheckpointFolder(directory.checkpoints)
        driver = Driver(spec, search, ledger, checkpoints, shelf, means.listener.on_report)
        tune_trials(spec, driver, encoded, interruption, means.load_worker())
        outcome = f"stopped: {interruption.reason}" if interruption.reason else "done"
        manifest.end_leg(outcome, time.monotonic() - start)
