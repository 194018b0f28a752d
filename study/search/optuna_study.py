"""The samplers of a search, each with a study of Optuna's in memory that is made from the records.

Each stratum is tuned for itself: a sampler that tunes one level of the scientific parameters learns nothing
from the others, and none gets more trials than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from study.designs import SearchDesign, Stratum
from study.search.proposals import Proposal, Result
from study.search.samplers import make_sampler
from study.seeds import derive_seed
from study.spec.schema import StudySpec

if TYPE_CHECKING:
    import optuna

    from search_spaces import Space
    from study.search.warm_start import Known, WarmStart


class Suggestion:
    """A trial of Optuna's that waits for its result.

    Args:
        study: Optuna's.
        trial: Which of it.
    """

    def __init__(self, study: optuna.Study, trial: optuna.Trial) -> None:
        self._study, self._trial = study, trial

    @property
    def number(self) -> int:
        """Optuna's, within its study."""
        return self._trial.number  # type: ignore[no-any-return]

    def tell(self, result: Result) -> None:
        """Let the sampler know what became of it."""
        import optuna

        if result.state == "PRUNED":
            # Samplers rank what was stopped by its last step.
            epoch, value = max(result.curve.items())
            self._trial.report(value, epoch)
        self._study.tell(self._trial, result.values, state=optuna.trial.TrialState[result.state])


class Tuner:
    """One stratum's sampler and what it knows.

    Args:
        spec: What the study asks.
        stratum: Where it searches.
        n_trials: How many settings it will propose.
        past: Its earlier proposals with what they came to.
        known: Settings of earlier studies that it learns from.
    """

    def __init__(
        self,
        spec: StudySpec,
        stratum: Stratum,
        n_trials: int,
        past: Sequence[tuple[Proposal, Result]],
        known: Iterable[Known],
    ) -> None:
        import optuna

        self.stratum, self.space = stratum, stratum.space
        self.n_asked = len(past)
        self._study = optuna.create_study(directions=directions_of(spec))
        for setting in known:
            if lies_in(stratum, setting.params):
                self._study.add_trial(make_known_trial(self.space, setting))
        trials = [_recall(self.space, proposal, result) for proposal, result in past]
        completed = [trial for trial in trials if trial.state.name == "COMPLETE"]
        # A later leg starts its stream of random numbers elsewhere, or it would draw its first startup
        # trials again. Strata share it: each begins with the same settings of all else.
        seed = derive_seed(spec.seed, "sampler", len(past))
        self._study.sampler = make_sampler(spec.design, self.space, n_trials, seed, completed)
        _mark_generations(self._study.sampler, completed)
        for (proposal, result), trial in zip(past, trials, strict=True):
            self._study.add_trial(trial)
            if result.state == "RUNNING":
                added = self._study.get_trials(deepcopy=False)[-1]
                proposal.suggestion = Suggestion(self._study, optuna.Trial(self._study, added._trial_id))

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Make a setting one of the next suggestions."""
        self._study.enqueue_trial({name: params[name] for name in self.space.dimensions if name in params})

    def ask(self) -> tuple[Suggestion, dict[str, Any]]:
        """Return what the sampler suggests, and its setting."""
        from search_spaces.adapters.optuna import ask

        trial, params = ask(self._study, self.space)
        self.n_asked += 1
        return Suggestion(self._study, trial), params


class Tuners:
    """The samplers of a study, one for each stratum.

    Args:
        spec: What was asked: a design that learns.
        past: Its earlier proposals, in order.
        conclude: Says what a proposal came to.
        start: What earlier studies found.
    """

    def __init__(
        self,
        spec: StudySpec,
        past: Sequence[Proposal] = (),
        conclude: Callable[[Proposal], Result] | None = None,
        start: WarmStart | None = None,
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        strata = spec.design.strata(spec.space)
        n_trials = spec.design.count(spec.space) // len(strata)
        results = [(proposal, conclude(proposal)) for proposal in past] if conclude else []
        known = () if start is None else start.known
        self._tuners = [
            Tuner(spec, stratum, n_trials, [r for r in results if lies_in(stratum, r[0].params)], known)
            for stratum in strata
        ]
        self._counts_for_trials = len(strata) == 1 and not known
        if start is not None:
            self._enqueue(start.proposals, past, max(n_trials // 4, 1))

    @property
    def n_asked(self) -> int:
        """How many settings were suggested, those that broke a constraint not counted."""
        return sum(tuner.n_asked for tuner in self._tuners)

    def ask(self) -> tuple[Suggestion, dict[str, Any]]:
        """Return a new suggestion and its setting, of the stratum that has had fewest."""
        return min(self._tuners, key=lambda tuner: tuner.n_asked).ask()

    def number_of(self, suggestion: Suggestion) -> int:
        """Return the least number of a trial that a suggestion may become.

        Where there is one study of Optuna's, which holds nothing else, its numbers are the trials'.
        """
        return suggestion.number if self._counts_for_trials else 0

    def _enqueue(self, proposals: Sequence[Mapping[str, Any]], past: Sequence[Proposal], n_most: int) -> None:
        """Make settings of earlier studies the first suggestions: a quarter of a stratum's trials at most."""
        proposed = [proposal.params for proposal in past]
        for tuner in self._tuners:
            for params in [p for p in proposals if lies_in(tuner.stratum, p)][:n_most]:
                if params not in proposed:
                    tuner.enqueue(params)


def strata_of(spec: StudySpec) -> Sequence[Stratum]:
    """Return the strata that have a study of Optuna's each; a plan has one in all."""
    is_planned = spec.design.plan(spec.space, spec.seed) is not None
    return [Stratum({}, spec.space)] if is_planned else spec.design.strata(spec.space)


def objectives_of(spec: StudySpec) -> tuple[str, ...]:
    """Return what the samplers look for: several objectives, or the study's alone."""
    design = spec.design
    return (isinstance(design, SearchDesign) and design.objectives) or (spec.objective,)


def directions_of(spec: StudySpec) -> list[str]:
    """Return whether more or less is better, of each objective."""
    minimized = ("val_loss", "gap", "n_weights", "seconds")
    return ["minimize" if name in minimized else "maximize" for name in objectives_of(spec)]


def make_trial(
    space: Space, params: Mapping[str, Any], result: Result, curve: Mapping[int, float], **others: Any
) -> optuna.trial.FrozenTrial:
    """Return a setting as a trial of Optuna's: the parameters that are searched, and what it came to."""
    import optuna

    from search_spaces.adapters.optuna import distributions

    # Optuna has no place for weights and normal ranges; what was drawn by them lies in the range all
    # the same.
    searched = {name: d for name, d in distributions(space.uniform()).items() if name in params}
    return optuna.create_trial(
        state=optuna.trial.TrialState[result.state],
        params={name: params[name] for name in searched},
        distributions=searched,
        values=result.values,
        intermediate_values=dict(curve),
        **others,
    )


def make_known_trial(space: Space, setting: Known, **others: Any) -> optuna.trial.FrozenTrial:
    """Return a setting of an earlier study as a trial of Optuna's."""
    return make_trial(space, setting.params, Result("COMPLETE", (setting.value,), {}), {}, **others)


def lies_in(stratum: Stratum, params: Mapping[str, Any]) -> bool:
    """Whether a setting is of a stratum."""
    return all(params.get(name) == value for name, value in stratum.levels.items())


def _recall(space: Space, proposal: Proposal, result: Result) -> optuna.trial.FrozenTrial:
    """Return an earlier proposal as its sampler knows it: of what still runs, nothing but the setting."""
    return make_trial(space, proposal.params, result, {} if result.state == "RUNNING" else result.curve)


def _mark_generations(
    sampler: optuna.samplers.BaseSampler, completed: Sequence[optuna.trial.FrozenTrial]
) -> None:
    """Let a genetic sampler go on with its population: it counts generations by marks on trials."""
    import optuna

    if isinstance(sampler, optuna.samplers.BaseGASampler):
        for number, trial in enumerate(completed):
            trial.system_attrs = {sampler._get_generation_key(): number // sampler.population_size}
