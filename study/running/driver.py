"""What the driver does with each trial: hand it out, record it, keep its checkpoint and model. Knows no Ray.

The order of the commits is such that a process may die between any two of them: what the records do not
know is done again with the same outcome, and what they know is never done again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime

from analysis.records.schema import State
from study.machine.processes import count_kernel_kills
from study.running.listener import Listener
from study.running.streak import FailureStreak
from study.search.source import Source
from study.spec.schema import StudySpec
from study.store.checkpoints import Checkpoint, CheckpointFolder
from study.store.ledger import Ledger
from study.store.models import ModelStore
from study.trial import OUT_OF_MEMORY, Assignment, Report


@dataclass(frozen=True)
class Dispatch:
    """What a worker needs for one attempt.

    Attributes:
        assignment: What to train.
        model_floor: The score that its model must beat to be sent; None where no models are kept.
        checkpoint: What to continue from.
    """

    assignment: Assignment
    model_floor: float | None
    checkpoint: bytes | None


@dataclass
class _Attempt:
    """What was handed out.

    Attributes:
        assignment: What is trained.
        is_solitary: Whether nothing else may run beside it, since memory ran out before.
        n_kernel_kills: How often the kernel had killed for memory when the attempt was last known to live.
        started: The monotonic time at which a worker took it, None before.
    """

    assignment: Assignment
    is_solitary: bool
    n_kernel_kills: int
    started: float | None = None


class Driver:
    """One leg's trials, each under a key of the caller's.

    Args:
        spec: What was asked.
        source: Decides what is trained.
        ledger: The study's records.
        checkpoints: Where running trials are kept.
        models: Where the best models are kept.
        listener: Hears of every start, report and loss; must not raise.
        check_node: Hears of every report before it is recorded, and may refuse it.
        count_kills: Says how many processes the kernel of this machine has killed for memory.

    Attributes:
        earlier: What the study had come to when this leg began.
        streak: The failures of this leg that are alike.
        n_ended: Runs of this leg that have ended.
    """

    def __init__(
        self,
        spec: StudySpec,
        source: Source,
        ledger: Ledger,
        checkpoints: CheckpointFolder,
        models: ModelStore,
        listener: Listener,
        check_node: Callable[[Report], None] = lambda report: None,
        count_kills: Callable[[], int] = count_kernel_kills,
    ) -> None:
        self._spec, self._source, self._ledger = spec, source, ledger
        self._checkpoints, self._models, self._listener = checkpoints, models, listener
        self._check_node, self._count_kills = check_node, count_kills
        self._attempts: dict[Hashable, _Attempt] = {}
        self._waiting_for_memory: deque[Assignment] = deque()
        self.streak = FailureStreak()
        self.n_ended = 0
        self.earlier = ledger.outcomes()
        # A process may have died after it recorded an end and before it removed the checkpoint.
        checkpoints.keep_only(o.assignment for o in self.earlier if o.state == "running")

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to hand out and nothing is running.

        A lost worker's trial may come back into the queue, so this is so only where nothing runs.
        """
        return self._source.is_exhausted

    @property
    def n_handed_out(self) -> int:
        """How many attempts were handed out and have not ended."""
        return len(self._attempts)

    @property
    def n_running(self) -> int:
        """How many of these a worker has taken."""
        return sum(attempt.started is not None for attempt in self._attempts.values())

    @property
    def keeps_one_alone(self) -> bool:
        """Whether a run waits to be trained alone, or is: nothing of ours should take memory beside it."""
        return bool(self._waiting_for_memory) or any(
            attempt.is_solitary for attempt in self._attempts.values()
        )

    def assign(self, key: Hashable) -> Dispatch | None:
        """Hand out the next attempt under `key`, None while there is nothing to hand out."""
        assignment = self._choose()
        if assignment is None:
            return None
        is_solitary = self._ledger.ran_out_of_memory(assignment)
        self._attempts[key] = _Attempt(assignment, is_solitary, self._count_kills())
        checkpoint = self._checkpoints.load(assignment)
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._ledger.begin(assignment, started_at, epochs_kept=0 if checkpoint is None else checkpoint.epoch)
        # A run that was stopped is finished to be counted, not to be kept.
        floor = None if assignment.phase == "audit" else self._models.floor
        return Dispatch(assignment, floor, None if checkpoint is None else checkpoint.content)

    def _choose(self) -> Assignment | None:
        """Return what may begin now.

        What ran out of memory waits until nothing else is left to begin, so that workers stand idle once and
        not for each of them; then it runs alone.
        """
        if any(attempt.is_solitary for attempt in self._attempts.values()):
            return None
        while (assignment := self._source.next()) is not None:
            if not self._ledger.ran_out_of_memory(assignment):
                return assignment
            self._waiting_for_memory.append(assignment)
        return self._waiting_for_memory.popleft() if self._waiting_for_memory and not self._attempts else None

    def note_start(self, key: Hashable) -> None:
        """Note that a worker took the attempt: its time counts from now."""
        attempt = self._attempts[key]
        attempt.started = time.monotonic()
        self._listener.on_start(attempt.assignment)

    def record(self, key: Hashable, report: Report, *, stopped: bool) -> None:
        """Record a report.

        Args:
            key: Whose report it is.
            report: What the worker said.
            stopped: Whether the scheduler ends the trial after this report although it would go on.

        Raises:
            EnvironmentFaultError: If it comes from a node that must not train; then nothing is recorded.
        """
        self._check_node(report)
        attempt = self._attempts[key]
        if report.state == "failed" and report.reason is not None and report.reason.startswith(OUT_OF_MEMORY):
            self.record_loss(key, report.reason)  # what a worker can say of it, it says
            return
        attempt.n_kernel_kills = self._count_kills()
        assignment = attempt.assignment
        # The model before the record: a trial that is recorded as completed is never trained again.
        if report.model is not None and report.score is not None and report.best_epoch is not None:
            self._models.offer(assignment, report.score, report.best_epoch, report.model, report.ms_per_text)
        state = self._source.record(assignment, report, stopped=stopped)
        if state != "running":
            self.streak.note(state, report.reason)
            self._forget(key)
        elif report.checkpoint is not None and report.figures is not None:
            # The record before the checkpoint: no checkpoint is ahead of the epochs that are known.
            self._checkpoints.save(assignment, Checkpoint(report.figures.epoch, report.checkpoint))
        self._listener.on_report(assignment, report, state)

    def record_loss(self, key: Hashable, reason: str) -> None:
        """Record an attempt that ended without figures: out of time, out of memory, or its worker killed."""
        attempt = self._attempts[key]
        timeout_s = self._spec.resources.trial_timeout_s
        elapsed_s = 0.0 if attempt.started is None else time.monotonic() - attempt.started
        state: State = "failed"
        if timeout_s is not None and elapsed_s >= timeout_s:
            state, reason = "timeout", f"took longer than resources.trial_timeout_s={timeout_s:g}"
        elif not reason.startswith(OUT_OF_MEMORY) and self._count_kills() > attempt.n_kernel_kills:
            reason = f"{OUT_OF_MEMORY}, for which the kernel kills: {reason}"
        ran_out_of_memory = reason.startswith(OUT_OF_MEMORY)
        may_retry = state == "failed" and not (ran_out_of_memory and attempt.is_solitary)
        again = self._source.record_loss(attempt.assignment, state, reason, retry=may_retry)
        if again:
            del self._attempts[key]  # its checkpoint stays: the next attempt continues from it
            reason = f"{reason}; it is tried again{', alone' if ran_out_of_memory else ''}"
        else:
            self.streak.note(state, reason)
            self._forget(key)
        self._listener.on_report(attempt.assignment, Report(state=state, reason=reason), state)

    def _forget(self, key: Hashable) -> None:
        self._checkpoints.discard(self._attempts.pop(key).assignment)
        self.n_ended += 1
