"""A leg: one process's work on a study, from its directory as it is to records, models and a report."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from importlib import import_module

from analysis.records.plain import find_obstacle
from analysis.records.provenance import say_changes
from analysis.records.schema import Phase
from analysis.report.faults import Faults
from study.cluster.demand import demand_room
from study.cluster.ray_watch import watch_ray
from study.cluster.session import SHARED_START_S, START_S, check_address, ray_session, tokens_file
from study.data import Corpus, EncodedCorpus, encode
from study.errors import StudyError
from study.forecast.disk import bound_footprint
from study.forecast.order import order_settings
from study.forecast.time_left import Backlog
from study.machine.background import Background, import_in_background
from study.machine.capacity import Capacity, check_resources, count_cpus
from study.machine.preflight import check_environment
from study.machine.signals import Interruption
from study.running.driver import Driver
from study.running.lines import LinesToBeat
from study.running.listener import Listener
from study.running.nodes import NodeCheck
from study.running.options import WorkerLoader, load_trial_worker
from study.running.preparation import open_records, read_texts
from study.running.publication import keep_texts, publish
from study.running.result import StudyResult
from study.search.source import Source
from study.spec.schema import StudySpec
from study.store.checkpoints import CheckpointFolder
from study.store.checksums import remove_checksums, write_checksums
from study.store.directory import StudyDirectory
from study.store.ledger import Ledger
from study.store.manifest import Manifest, Purpose, breaks_checkpoints
from study.store.models import ModelStore
from study.training.loops.ahead import compile_ahead
from study.trial import Assignment

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
        address: As in `RunOptions`.
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
        obstacle = find_obstacle(self.directory.path)
        if obstacle is not None:
            raise StudyError(f"a study is written to a folder: {obstacle} is none; choose another")
        # Of a cluster nobody knows yet how many runs it takes at once: one, at least.
        here = Capacity(count_cpus() if self.address is None else 0, math.inf, 1)
        # Before anything is read or written, and long before Ray finds out.
        check_environment(
            is_local=self.address is None, token=tokens_file(), n_workers=self._count_slots(here)
        )
        interruption = Interruption()
        ahead = compile_ahead() if self._trains_compiled_cells() else nullcontext()
        with interruption.at_once(), ahead:
            if self.directory.path.is_dir():
                with self.directory.lock():
                    pass  # or whoever holds it is named before seconds are spent on reading
            # Before the directory is made: data that cannot be used leaves nothing behind.
            corpus = read_texts(self.spec, self.purpose, self.listener)
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
                ledger, manifest = open_records(self.directory, self.spec, corpus, encoding, self.listener)
                records.callback(ledger.close)
                lines = LinesToBeat(self.spec, ledger, manifest, encoding.result, faults, self.listener)
                self._train(start_ray, encoding, lines.begin, ledger, manifest, interruption)
            if interruption.reason is None:
                lines.record()
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

    def _start_ray(
        self, session: ExitStack, encoding: Background[EncodedCorpus], interruption: Interruption
    ) -> Capacity:
        """Start or join Ray, and watch over it, until the session is closed."""
        self.listener.on_stage("starting Ray")

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
        source = self.make_source(self, ledger, manifest)
        checkpoints = CheckpointFolder(self.directory.checkpoints)
        if source.is_exhausted:
            checkpoints.keep_only(())  # a process may have died when its last run had ended
            return
        capacity = start_ray()
        # Ray's session ends after this: none of its own handlers is in place while it lasts.
        with interruption.in_order():
            # Not before: Ray reads once, when it is imported, whether tokens are asked for. Nor later:
            # the leg is noted as begun once all that it needs is there.
            import_module("study.running.tuning")
            backlog = self._begin(source, ledger, manifest, checkpoints, capacity)
            start = time.monotonic()
            if self.spec.resources.time_budget_s is not None:
                interruption.deadline = start + self.spec.resources.time_budget_s
            encoded = encoding.result()
            models = ModelStore(self.directory.models, self.spec.keep_models, encoded)
            nodes = NodeCheck(manifest, self.listener)
            driver = Driver(self.spec, source, ledger, checkpoints, models, self.listener, nodes.check)
            self._hand_out(driver, encoded, backlog, on_drained, interruption)
            outcome = f"stopped: {interruption.reason}" if interruption.reason else "done"
            manifest.end_leg(outcome, time.monotonic() - start)

    def _begin(
        self,
        source: Source,
        ledger: Ledger,
        manifest: Manifest,
        checkpoints: CheckpointFolder,
        capacity: Capacity,
    ) -> Backlog:
        """Note that the leg begins, where there is room for it; return what it has before it."""
        self._check_room(capacity)
        self._check_disk(ledger.facts.n_validation, len(ledger.facts.classes), capacity)
        n_slots = self._count_slots(capacity)
        source.reorder(functools.partial(order_settings, spec=self.spec, n_slots=n_slots))
        self._note_changes(manifest, checkpoints)
        manifest.begin_leg(self.purpose, capacity, checkpoints.held_of(_running(ledger)))
        is_confirmation = self.purpose == "confirm"
        backlog = Backlog(
            spec=self.spec,
            n_trials=source.n_trials,
            n_seeds=source.n_seeds,
            n_ended=_count_ended(ledger, "confirm" if is_confirmation else "search"),
            waiting=source.foresee(n_slots),
            may_stop=not is_confirmation,
            n_slots=n_slots,
        )
        self.listener.on_plan(backlog, capacity)
        return backlog

    def _hand_out(
        self,
        driver: Driver,
        encoded: EncodedCorpus,
        backlog: Backlog,
        on_drained: Callable[[], None],
        interruption: Interruption,
    ) -> None:
        """Have all that is left trained, on as many nodes as the cluster may come to have."""
        from study.running.tuning import tune_trials

        worker = self.load_worker()
        start_s = START_S if self.address is None else SHARED_START_S
        n_left = backlog.n_trials * backlog.n_seeds - backlog.n_ended
        with demand_room(self.spec.resources, is_local=self.address is None) as ask:
            ask(n_left)
            tune_trials(
                self.spec,
                driver,
                encoded,
                interruption,
                worker,
                on_drained,
                self._note_stranded,
                start_s,
                lambda n_ended: ask(n_left - n_ended),
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
