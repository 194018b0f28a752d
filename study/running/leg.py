"""A leg: one process's work on a study, from its directory as it is to records, models and a report."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from analysis.records.provenance import say_changes
from analysis.records.schema import Phase
from analysis.report.faults import Faults
from search_spaces.documents import dump_document
from study.cluster.demand import demand_room
from study.cluster.ray_watch import watch_ray
from study.cluster.session import (
    SHARED_START_S,
    START_S,
    check_address,
    ray_session,
    tokens_file,
)
from study.data import TRAIN_SIZE, Corpus, EncodedCorpus, check_train_sizes, encode, load_corpus
from study.data.reading.sentences import explain_reading
from study.data.warnings import explain_classes, explain_tokens, find_warnings
from study.forecast.disk import bound_footprint
from study.forecast.order import order_settings
from study.forecast.time_left import Backlog
from study.machine.background import Background, import_in_background
from study.machine.capacity import Capacity, check_resources, count_cpus
from study.machine.signals import Interruption
from study.machine.surroundings import check_surroundings
from study.running.lines import draw_lines, lacks_lines
from study.running.listener import Listener
from study.running.nodes import NodeCheck
from study.running.publication import keep_texts, publish
from study.running.result import StudyResult
from study.search.source import Source
from study.spec.parameters import extremes
from study.spec.schema import StudySpec
from study.store.checkpoints import CheckpointFolder
from study.store.checksums import remove_checksums, write_checksums
from study.store.directory import StudyDirectory
from study.store.facts import describe_facts
from study.store.files import remove, write_atomically
from study.store.ledger import Ledger
from study.store.manifest import Manifest, Purpose, breaks_checkpoints
from study.training.class_weights import check_class_weight
from study.training.loops.ahead import compile_ahead

if TYPE_CHECKING:
    from study.cluster.worker import TrialWorker
    from study.trial import Assignment

WorkerLoader = Callable[[], "type[TrialWorker]"]
"""Gives the class that trains: only when Ray runs, which must not be imported before."""


def load_trial_worker() -> type[TrialWorker]:
    """Return what trains, unless something else is to be trained."""
    from study.cluster.worker import TrialWorker

    return TrialWorker


class Means(TypedDict, total=False):
    """By what a leg is run; each verb takes them by name.

    Attributes:
        address: The Ray cluster of this node, `auto` or `HOST:6379`; None starts Ray on this machine.
        listener: Hears how it goes.
        load_worker: Gives the class that trains.
    """

    address: str | None
    listener: Listener
    load_worker: WorkerLoader


SourceMaker = Callable[["Leg", Ledger, Manifest], Source]
"""Decides what a leg trains, from what the study has recorded."""


@dataclass(frozen=True)
class Leg:
    """Why and by what a leg is run.

    Attributes:
        directory: The study's; it may be empty yet.
        spec: What the study asks.
        purpose: For the manifest.
        make_source: Decides what is trained.
        n_confirmed: Runs beside those of the design.
        address: As in `Means`.
        listener: As there.
        load_worker: As there.
    """

    directory: StudyDirectory
    spec: StudySpec
    purpose: Purpose
    make_source: SourceMaker
    n_confirmed: int = 0
    address: str | None = None
    listener: Listener = field(default_factory=Listener)
    load_worker: WorkerLoader = load_trial_worker

    def run(self) -> StudyResult:
        """Train until the source is exhausted or somebody interrupts; then write the report.

        Raises:
            StudyError: If the data cannot be used, the study is held, damaged or changed, or nothing fits.
        """
        check_address(self.address)
        # Of a cluster nobody knows yet how many runs it takes at once: one, at least.
        here = Capacity(count_cpus() if self.address is None else 0, math.inf, 1)
        # Before anything is read or written, and long before Ray finds out.
        check_surroundings(
            is_local=self.address is None, token=tokens_file(), n_workers=self._count_slots(here)
        )
        interruption = Interruption()
        with interruption.at_once():
            if self.directory.path.is_dir():
                with self.directory.lock():
                    pass  # or whoever holds it is named before seconds are spent on reading
            self.listener.on_stage(f"reading {self.spec.data.source_name}")
            # Before the directory is made: data that cannot be used leaves nothing behind.
            corpus = load_corpus(self.spec.data)
            check_class_weight(self.spec.training.class_weight, corpus.classes)
            check_train_sizes(self.spec.space, corpus)
            if self.purpose == "run" and corpus.reading is not None:
                self.listener.on_design(explain_reading(corpus.reading))
            if self.purpose in ("run", "extend"):
                spec = self.spec
                self.listener.on_design(spec.design.explain(spec.space, spec.seeds, spec.seed))
                self.listener.on_design(explain_classes(corpus))
                for warning in spec.space.warnings():
                    self.listener.on_warning(warning)
            n_validation = len(corpus.splits.validation)
            self.listener.on_design([self._check_disk(n_validation, len(corpus.classes), here)])
            with self.directory.lock():
                self.directory.sweep()
                remove_checksums(self.directory)
                return self._run_locked(corpus, interruption)

    def _run_locked(self, corpus: Corpus, interruption: Interruption) -> StudyResult:
        encoding = Background(lambda: encode(corpus, self.spec.data))
        faults = Faults()
        with ExitStack() as records:
            with ExitStack() as session:
                start_ray = functools.cache(lambda: self._start_ray(session, encoding, interruption))
                if not self.directory.spec.exists():
                    start_ray()  # a new study will need it, and the rest can be made ready while it starts
                ledger, manifest = self._open_or_create(corpus, encoding)
                records.callback(ledger.close)
                lines = Background(
                    lambda: draw_lines(self.spec, encoding.result(), faults, manifest.has_opened_test)
                )

                def on_drained() -> None:
                    if lacks_lines(ledger, manifest):  # the last runs leave CPUs idle
                        lines.begin()

                self._train(start_ray, encoding, on_drained, ledger, manifest, interruption)
            if interruption.reason is None and lacks_lines(ledger, manifest):
                self.listener.on_stage("fitting the lines to beat")
                ledger.record_lines(faults.attempt("the lines to beat", lines.result, lambda _: []))
                for what in faults.traces:
                    self.listener.on_warning(f"could not be made, and is left out of the report: {what}")
            if interruption.reason is None:
                self._draw_lines_by_amount(ledger, encoding.result, faults)
            states = [outcome.state for outcome in ledger.outcomes()]
            page = None
            # Who sent a signal waits for the end, a batch system for half a minute: the report can wait.
            if interruption.signal is None:
                self.listener.on_stage("writing the report")
                page = publish(
                    self.directory, faults, lambda study: keep_texts(study, ledger, corpus, encoding.result)
                )
        if interruption.signal is None:
            write_checksums(self.directory)
        return StudyResult(
            self.directory,
            page,
            interruption.reason,
            interruption.signal,
            n_failed=sum(state in ("failed", "diverged", "timeout") for state in states),
            missing=tuple(faults.traces),
            n_ended=sum(state != "running" for state in states),
        )

    def _open_or_create(self, corpus: Corpus, encoding: Background[EncodedCorpus]) -> tuple[Ledger, Manifest]:
        directory = self.directory
        if directory.spec.exists():
            manifest = Manifest.open(directory)
            manifest.check_data(corpus)
            return Ledger.open(directory.records), manifest
        manifest = Manifest.create(directory, self.spec, corpus)
        remove(directory.records)
        lengths = self.spec.space.parameters.get("sequence_length")
        longest = max(extremes(lengths)) if lengths is not None else None
        warnings = find_warnings(corpus, encoding.result(), longest)
        self.listener.on_design([explain_tokens(corpus, encoding.result())])
        for warning in warnings:
            self.listener.on_warning(f"the texts: {warning}")
        facts = describe_facts(self.spec, corpus, warnings)
        ledger = Ledger.create(directory.records, facts, corpus.labels_of("validation"))
        # The spec comes last: a folder without it holds no study, and is begun again.
        write_atomically(directory.spec, dump_document(self.spec.to_document()))
        return ledger, manifest

    def _start_ray(
        self, session: ExitStack, encoding: Background[EncodedCorpus], interruption: Interruption
    ) -> Capacity:
        """Start or join Ray, and watch over it, until the session is closed."""
        self.listener.on_stage("starting Ray")
        if self._trains_compiled_cells():
            session.enter_context(compile_ahead())

        def begin_the_rest() -> None:
            encoding.begin()
            import_in_background(
                "optuna", "sqlalchemy.orm", "alembic.command", "study.search.search", "ray.tune"
            )

        capacity = session.enter_context(ray_session(self.address, begin_the_rest))
        session.enter_context(watch_ray(self.listener.on_lost, self._way_out, interruption.is_signalled))
        return capacity

    def _way_out(self) -> str:
        begun = self.directory.spec.exists()
        return f"`study resume {self.directory.path}` goes on" if begun else "run it again"

    def _trains_compiled_cells(self) -> bool:
        spec = self.spec
        is_ours = self.address is None and self.load_worker is load_trial_worker and spec.model is None
        return is_ours and spec.training.cells == "auto" and not spec.resources.gpus_per_trial

    def _train(
        self,
        start_ray: Callable[[], Capacity],
        encoding: Background[EncodedCorpus],
        on_drained: Callable[[], None],
        ledger: Ledger,
        manifest: Manifest,
        interruption: Interruption,
    ) -> None:
        spec = self.spec
        source = self.make_source(self, ledger, manifest)
        checkpoints = CheckpointFolder(self.directory.checkpoints)
        if source.is_exhausted:
            checkpoints.keep_only(())  # a process may have died when its last run had ended
            return
        capacity = start_ray()
        # Ray's session ends after this: none of its own handlers is in place while it lasts.
        with interruption.in_order():
            # Not before: Ray reads once, when it is imported, whether tokens are asked for.
            from study.running.driver import Driver
            from study.running.tuning import tune_trials
            from study.store.models import ModelStore

            self._check_room(capacity)
            self._check_disk(ledger.facts.n_validation, len(ledger.facts.classes), capacity)
            n_slots = self._count_slots(capacity)
            source.reorder(functools.partial(order_settings, spec=spec, n_slots=n_slots))
            self._note_changes(manifest, checkpoints)
            manifest.begin_leg(self.purpose, capacity, checkpoints.held_of(_running(ledger)))
            backlog = self._count_left(source, ledger, n_slots)
            self.listener.on_plan(backlog, capacity)
            start = time.monotonic()
            if spec.resources.time_budget_s is not None:
                interruption.deadline = start + spec.resources.time_budget_s
            encoded = encoding.result()
            models = ModelStore(self.directory.models, spec.keep_models, encoded)
            nodes = NodeCheck(manifest, self.listener)
            driver = Driver(spec, source, ledger, checkpoints, models, self.listener, nodes.hear)
            worker = self.load_worker()
            start_s = START_S if self.address is None else SHARED_START_S
            n_left = backlog.n_trials * backlog.n_seeds - backlog.n_ended
            with demand_room(spec.resources, is_local=self.address is None) as ask:
                ask(n_left)
                tune_trials(
                    spec,
                    driver,
                    encoded,
                    interruption,
                    worker,
                    on_drained,
                    self._note_stranded,
                    start_s,
                    lambda n_ended: ask(n_left - n_ended),
                )
            outcome = f"stopped: {interruption.reason}" if interruption.reason else "done"
            manifest.end_leg(outcome, time.monotonic() - start)

    def _draw_lines_by_amount(
        self, ledger: Ledger, encode: Callable[[], EncodedCorpus], faults: Faults
    ) -> None:
        """Fit the lines to beat on the texts that runs were trained on, where these were not all."""
        if TRAIN_SIZE not in self.spec.space.parameters:
            return
        from study.data.cache import default_cache_folder
        from study.training.lines_by_amount import fit_lines_by_amount, list_amounts

        known = ledger.amounts_with_lines()
        amounts = list_amounts(outcome.assignment for outcome in ledger.outcomes())
        if new := [amount for amount in amounts if amount not in known]:
            self.listener.on_stage("fitting the lines to beat on fewer texts")
            lines = faults.attempt(
                "the lines to beat on fewer texts",
                lambda: fit_lines_by_amount(encode(), new, default_cache_folder(), faults.add),
                lambda _: [],
            )
            ledger.record_lines_by_amount(lines)

    def _count_left(self, source: Source, ledger: Ledger, n_slots: int) -> Backlog:
        is_confirmation = self.purpose == "confirm"
        return Backlog(
            n_trials=source.n_trials,
            n_seeds=source.n_seeds,
            n_ended=_count_ended(ledger, "confirm" if is_confirmation else "search"),
            waiting=source.foresee(n_slots),
            may_stop=not is_confirmation,
            n_slots=n_slots,
        )

    def _note_stranded(self) -> None:
        """Say why nothing goes on: Ray waits for ever, and says nothing."""
        self.listener.on_warning(
            "no node is left on which a trial fits: waiting for one; Ctrl-C ends the wait and loses nothing"
        )

    def _note_changes(self, manifest: Manifest, checkpoints: CheckpointFolder) -> None:
        """Say what is not what it was in the last leg, and drop checkpoints that another release wrote."""
        changes = manifest.changes()
        if not changes:
            return
        text = f"since the last leg: {say_changes(changes)}; the report says which runs were trained by which"
        if breaks_checkpoints(changes):
            # Before the leg is noted: whoever dies in between compares, and drops them, again.
            checkpoints.keep_only(())
            text += ", and no run goes on from a checkpoint"
        self.listener.on_warning(text)

    def _check_disk(self, n_validation: int, n_classes: int, capacity: Capacity) -> str:
        """Say how much the folder may grow to, or refuse what there is no room for."""
        footprint = bound_footprint(
            self.spec,
            n_validation=n_validation,
            n_classes=n_classes,
            n_slots=max(self._count_slots(capacity), 1),
            n_confirmed=self.n_confirmed,
        )
        return footprint.check(self.directory.path)

    def _count_slots(self, capacity: Capacity) -> int:
        resources = self.spec.resources
        return resources.limit(capacity.slots(resources.cpus_per_trial, resources.gpus_per_trial))

    def _check_room(self, capacity: Capacity) -> None:
        """Refuse a machine on which no trial fits; to a cluster, nodes may still come."""
        cpus, gpus = self.spec.resources.cpus_per_trial, self.spec.resources.gpus_per_trial
        if self.address is None:
            check_resources(capacity, cpus, gpus)
        elif capacity.slots(cpus, gpus) == 0:
            self.listener.on_stage("waiting for a node on which a trial fits")


def _running(ledger: Ledger) -> list[Assignment]:
    return [o.assignment for o in ledger.outcomes() if o.state == "running"]


def _count_ended(ledger: Ledger, phase: Phase) -> int:
    return sum(o.state != "running" and o.assignment.phase == phase for o in ledger.outcomes())
