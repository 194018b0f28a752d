"""The search: which replicate to train next, and what Optuna learns of each. Knows nothing of Ray.

Optuna proposes settings and stores the search in `optuna.db`; the records decide what has happened. Where the
two disagree, after a crash between two commits, the search is told again from the records.
"""

from __future__ import annotations

import json
import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.records import State
from study.database_faults import database_faults
from study.designs import SearchDesign
from study.ledger import Ledger, Outcome
from study.seeds import derive_seed
from study.spec import StudySpec
from study.trial import Assignment, Report

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

_REPLICATE_OF = "replicate_of"
_INFEASIBLE = "infeasible"  # set by `search_spaces.adapters.optuna.ask` on what broke a constraint


@dataclass
class _Setting:
    """One distinct parameter set and its replicates."""

    params: dict[str, Any]
    outcomes: dict[int, Outcome] = field(default_factory=dict)


@dataclass
class _Proposal:
    """One trial of Optuna's: a setting and the replicates that answer it."""

    number: int
    trial: int
    replicates: tuple[int, ...]


class Search:
    """Hands out assignments and hears what became of them.

    One process uses it, from one thread. Each call commits to the records, then tells Optuna.

    Args:
        spec: What was asked.
        ledger: The study's records; what they hold is continued.
        storage: Path of Optuna's database.
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, storage: Path) -> None:
        self._spec, self._ledger, self._storage = spec, ledger, storage
        self._settings: dict[int, _Setting] = {}
        self._trial_of: dict[str, int] = {}
        self._queue: deque[Assignment] = deque()
        self._running: dict[tuple[int, int], Assignment] = {}
        self._proposals: dict[tuple[int, int], _Proposal] = {}
        self._varied = spec.space.dimensions
        self._planned = spec.design.plan(spec.space, spec.seed)
        for outcome in ledger.outcomes():
            self._remember(outcome)
        self._n_proposed = 0
        with database_faults(storage):
            self._optuna = _open_optuna(spec, storage)
            self._catch_up()

    @property
    def n_trials(self) -> int:
        """How many trials the design has in all."""
        if self._planned is not None:
            return len(self._planned)
        assert isinstance(self._spec.design, SearchDesign)  # the only design that does not plan
        return self._spec.design.trials

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to hand out and nothing to hear."""
        return not self._running and not self._queue and self._n_proposed >= self.n_trials

    @property
    def running(self) -> list[Assignment]:
        """What was handed out and has not ended."""
        return list(self._running.values())

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""
        if not self._queue and self._n_proposed < self.n_trials:
            with database_faults(self._storage):
                self._propose()
        if not self._queue:
            return None
        assignment = self._queue.popleft()
        self._running[assignment.trial, assignment.replicate] = assignment
        return assignment

    def hear(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
        """Record a report; return the state of its trial.

        Args:
            assignment: Whose report it is.
            report: What the worker said.
            stopped: Whether the scheduler ends the trial after this report although it would go on.
        """
        state: State = "pruned" if stopped and report.state == "running" else report.state
        reason = report.reason
        if state == "pruned" and report.figures is not None:
            reason = f"stopped by the scheduler after epoch {report.figures.epoch}"
        self._ledger.hear(assignment, report, state, reason)
        outcome = self._setting(assignment).outcomes.get(assignment.replicate)
        scores = () if outcome is None else outcome.scores
        if report.figures is not None:
            sign = 1.0 if self._ledger.facts.maximizes else -1.0
            scores = (
                *scores[: report.figures.epoch - 1],
                sign * getattr(report.figures, self._spec.objective),
            )
        self._remember(Outcome(assignment=assignment, state=state, scores=scores))
        if state != "running":
            self._end(assignment)
        return state

    def lose(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word of its own; return whether it is tried again."""
        previous = self._setting(assignment).outcomes.get(assignment.replicate)
        scores = previous.scores if previous is not None else ()
        again = retry and assignment.attempt <= self._spec.resources.retries
        if again:
            successor = self._ledger.retry(assignment, state, reason)
            self._remember(Outcome(assignment=successor, state="running", scores=scores))
            del self._running[assignment.trial, assignment.replicate]
            self._queue.appendleft(successor)
        else:
            self._ledger.finish(assignment, state, reason)
            self._remember(Outcome(assignment=assignment, state=state, scores=scores))
            self._end(assignment)
        return again

    def _setting(self, assignment: Assignment) -> _Setting:
        setting = self._settings.setdefault(assignment.trial, _Setting(dict(assignment.params)))
        self._trial_of.setdefault(_identity(assignment.params), assignment.trial)
        return setting

    def _remember(self, outcome: Outcome) -> None:
        self._setting(outcome.assignment).outcomes[outcome.assignment.replicate] = outcome

    def _end(self, assignment: Assignment) -> None:
        del self._running[assignment.trial, assignment.replicate]
        proposal = self._proposals[assignment.trial, assignment.replicate]
        outcome = self._outcome(proposal, assignment.replicate)
        if outcome.state == "pruned":
            self._spare(assignment.trial)
        if not self._unfinished(proposal):
            with database_faults(self._storage):
                self._tell(proposal)

    def _spare(self, trial: int) -> None:
        """Drop a setting's waiting seeds: one was enough for the scheduler."""
        for spared in [a for a in self._queue if a.trial == trial]:
            self._queue.remove(spared)
            if (begun := self._setting(spared).outcomes.get(spared.replicate)) is not None:
                reason = "the scheduler stopped its setting under another seed"
                self._ledger.finish(spared, "pruned", reason)
                self._remember(replace(begun, state="pruned"))

    def _outcome(self, proposal: _Proposal, replicate: int) -> Outcome:
        return self._settings[proposal.trial].outcomes[replicate]

    def _outcomes(self, proposal: _Proposal) -> list[Outcome]:
        known = self._settings[proposal.trial].outcomes if proposal.trial in self._settings else {}
        return [known[r] for r in proposal.replicates if r in known]

    def _unfinished(self, proposal: _Proposal) -> bool:
        pending = {(a.trial, a.replicate) for a in self._queue} | self._running.keys()
        return any((proposal.trial, r) in pending for r in proposal.replicates)

    def _propose(self) -> None:
        from search_spaces.adapters.optuna import ask

        if self._planned is not None and not self._has_waiting():
            planned = self._planned[self._n_proposed]
            self._optuna.enqueue_trial({name: planned[name] for name in self._varied if name in planned})
        trial, params = ask(self._optuna, self._spec.space)
        self._n_proposed += 1
        self._enqueue(self._place(trial, params), params)

    def _has_waiting(self) -> bool:
        """Whether a setting was put into Optuna's queue by a process that died before it took it out."""
        return bool(self._optuna.get_trials(deepcopy=False, states=(_optuna_state("WAITING"),)))

    def _place(self, trial: optuna.Trial, params: Mapping[str, Any]) -> _Proposal:
        """Decide for which trial and replicates a new proposal stands."""
        number, first = trial.number, 1
        earlier = self._trial_of.get(_identity(params))
        if earlier is not None:
            # The sampler proposed what it had proposed before: a further seed tells more than a rerun.
            number = earlier
            taken = [r for t, r in self._proposals if t == earlier]
            first = 1 + max([*taken, *self._settings[earlier].outcomes])
            trial.set_user_attr(_REPLICATE_OF, [number, first])
        return self._proposal(trial.number, number, first)

    def _proposal(self, number: int, trial: int, first: int) -> _Proposal:
        return _Proposal(number, trial, tuple(range(first, first + self._spec.seeds)))

    def _enqueue(self, proposal: _Proposal, params: Mapping[str, Any]) -> None:
        is_cut = any(o.state == "pruned" for o in self._outcomes(proposal))
        for replicate in proposal.replicates:
            self._proposals[proposal.trial, replicate] = proposal
            assignment = Assignment(
                trial=proposal.trial,
                replicate=replicate,
                attempt=1,
                seed=derive_seed(self._spec.seed, "replicate", replicate),
                params=dict(params),
            )
            done = self._setting(assignment).outcomes.get(replicate)
            if done is not None and done.state == "running":
                self._queue.append(done.assignment)
            elif done is None and not is_cut:
                self._queue.append(assignment)
        if is_cut:
            self._spare(proposal.trial)

    def _catch_up(self) -> None:
        """Bring queue and Optuna's storage to where the records are."""
        for frozen in self._optuna.get_trials(deepcopy=False):
            if frozen.state.is_finished():
                self._recall(frozen)
            elif frozen.state != _optuna_state("WAITING"):
                self._continue(frozen)

    def _recall(self, frozen: optuna.trial.FrozenTrial) -> None:
        """Take note of a proposal that Optuna has closed."""
        if _INFEASIBLE in frozen.user_attrs:
            return
        self._n_proposed += 1
        number, first = frozen.user_attrs.get(_REPLICATE_OF, (frozen.number, 1))
        proposal = self._proposal(frozen.number, number, first)
        self._proposals |= {(number, r): proposal for r in proposal.replicates}

    def _continue(self, frozen: optuna.trial.FrozenTrial) -> None:
        """Take up a proposal that was open when the last leg ended, perhaps half made."""
        from search_spaces.adapters.optuna import InfeasibleTrialError, suggest

        trial = self._as_trial(frozen.number)
        try:
            params = suggest(trial, self._spec.space)
        except InfeasibleTrialError as error:
            trial.set_user_attr(_INFEASIBLE, str(error))
            self._optuna.tell(frozen.number, state=_optuna_state("PRUNED"))
            return
        self._n_proposed += 1
        if _REPLICATE_OF in frozen.user_attrs:
            proposal = self._proposal(frozen.number, *frozen.user_attrs[_REPLICATE_OF])
        elif frozen.number in self._settings:
            proposal = self._proposal(frozen.number, frozen.number, 1)
        else:
            proposal = self._place(trial, params)
        self._enqueue(proposal, params)
        if not self._unfinished(proposal):
            self._tell(proposal)

    def _tell(self, proposal: _Proposal) -> None:
        """Tell Optuna what became of a proposal: the mean over its seeds of the best that each reached."""
        outcomes = self._outcomes(proposal)
        completed = [o.best_score for o in outcomes if o.state == "completed" and o.best_score is not None]
        cut = [o for o in outcomes if o.state == "pruned" and o.best_score is not None]
        sign = 1.0 if self._ledger.facts.maximizes else -1.0
        if cut:
            # Optuna's samplers rank a pruned trial by its last step and the value there.
            step = max(len(o.scores) for o in cut)
            value = _mean([o.best_score for o in cut if o.best_score is not None])
            if step not in self._frozen(proposal.number).intermediate_values:
                self._as_trial(proposal.number).report(sign * value, step)
            self._optuna.tell(proposal.number, state=_optuna_state("PRUNED"))
        elif completed:
            self._optuna.tell(proposal.number, sign * _mean(completed))
        else:
            self._optuna.tell(proposal.number, state=_optuna_state("FAIL"))

    def _as_trial(self, number: int) -> optuna.Trial:
        import optuna

        return optuna.Trial(self._optuna, self._frozen(number)._trial_id)

    def _frozen(self, number: int) -> optuna.trial.FrozenTrial:
        return self._optuna.get_trials(deepcopy=False)[number]


def _open_optuna(spec: StudySpec, storage: Path) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    database = optuna.storages.RDBStorage(
        f"sqlite:///{storage}", engine_kwargs={"connect_args": {"timeout": 30.0}}
    )
    study = optuna.create_study(
        storage=database,
        study_name=spec.name,
        direction="maximize" if spec.objective == "val_accuracy" else "minimize",
        load_if_exists=True,
    )
    # A later leg starts its stream of random numbers elsewhere, or it would draw its first startup trials
    # again.
    seed = derive_seed(spec.seed, "sampler", len(study.get_trials(deepcopy=False)))
    study.sampler = make_sampler(spec, seed)
    return study


def make_sampler(spec: StudySpec, seed: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of a design; one whose settings are fixed in advance needs none of its own."""
    import warnings

    import optuna

    if isinstance(spec.design, SearchDesign) and spec.design.sampler == "tpe":
        with warnings.catch_warnings():
            # multivariate, group and constant_liar are marked experimental; we rely on them knowingly.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                seed=seed,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=min(10, max(4, spec.design.trials // 3)),
            )
    return optuna.samplers.RandomSampler(seed=seed)


def _optuna_state(name: str) -> optuna.trial.TrialState:
    import optuna

    return optuna.trial.TrialState[name]


def _identity(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
