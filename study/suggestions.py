"""Optuna's side of a search: what its samplers proposed, and what they are told of it.

Each stratum has an Optuna study of its own, all in one database: a sampler that tunes one level of the
scientific parameters learns nothing from the others, and none gets more trials than they do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.designs import SearchDesign, Stratum, stratify
from study.errors import IntegrityError
from study.samplers import make_sampler
from study.seeds import derive_seed
from study.spec import StudySpec

if TYPE_CHECKING:
    import optuna

    from study.warm_start import Known, WarmStart

_STANDS_FOR = "replicate_of"
_AMENDS = "amends"  # the number of a trial that a later attempt made good, or trained for longer
_EPOCHS = "epochs"  # after how many a trial was told as complete
_LOADED = "loaded"  # from which setting of an earlier study a trial comes
_WARMED = "warmed"  # set on the first study when all is there to begin with
_INFEASIBLE = (
    "infeasible"  # set by `search_spaces.adapters.optuna.ask` on what broke a constraint, and on fillers
)


@dataclass(frozen=True)
class Suggestion:
    """One trial of Optuna's.

    Attributes:
        stratum: Place of its stratum, 0 where there is one.
        number: Optuna's, within the stratum.
    """

    stratum: int
    number: int


@dataclass(frozen=True)
class Memory:
    """What Optuna remembers of a suggestion from earlier legs.

    Attributes:
        suggestion: Which.
        is_open: Whether Optuna still waits to hear of it.
        stands_for: The trial and the first replicate that answer it, where that was noted.
    """

    suggestion: Suggestion
    is_open: bool
    stands_for: tuple[int, int] | None


@dataclass(frozen=True)
class Answered:
    """A suggestion as the records know it.

    Attributes:
        params: Its setting.
        trial: The trial that stands for it.
        first: The first of the replicates that answer it; above 1 where it repeated an earlier suggestion.
    """

    params: Mapping[str, Any]
    trial: int
    first: int


class Suggestions:
    """The samplers of a study.

    Args:
        spec: What was asked.
        storage: Path of Optuna's database.
        is_planned: Whether the settings are given, and Optuna only keeps them.
    """

    def __init__(self, spec: StudySpec, storage: Path, *, is_planned: bool) -> None:
        design = spec.design
        self._strata = [Stratum({}, spec.space)]
        if isinstance(design, SearchDesign) and not is_planned:
            self._strata = stratify(spec.space, design.scientific)
        self._n_trials = design.count(spec.space) // len(self._strata)
        self._database = _open_database(storage)
        self._storage = _remembering(self._database)
        self._studies = _open_studies(spec, self._storage, self._strata)
        known = [_trials(study) for study in self._studies]
        self._has_loaded = any(_LOADED in t.user_attrs for trials in known for t in trials)
        self._n_asked = [sum(map(_counts, trials)) for trials in known]
        # Optuna's own identities of what waits for its outcome: to look one up reads all of its trials.
        self._open = {
            Suggestion(place, trial.number): trial._trial_id
            for place, trials in enumerate(known)
            for trial in trials
            if not trial.state.is_finished()
        }
        self._amendments: dict[Suggestion, list[optuna.trial.FrozenTrial]] = defaultdict(list)
        for place, trials in enumerate(known):
            for trial in trials:
                if _AMENDS in trial.user_attrs:
                    self._amendments[Suggestion(place, trial.user_attrs[_AMENDS])].append(trial)

    @property
    def is_renumbered(self) -> bool:
        """Whether Optuna's numbers are no trial's: there are several strata, or trials of earlier studies."""
        return len(self._strata) > 1 or self._has_loaded

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was suggested yet, and nothing of earlier studies made ready."""
        return self.n_asked == 0 and _WARMED not in self._studies[0].user_attrs

    def warm(self, start: WarmStart) -> None:
        """Make settings of earlier studies the first suggestions, and let the samplers know what is known.

        Of each stratum at most a quarter of the trials are settings of others. Whoever dies meanwhile does it
        again: what is there is not put there twice.
        """
        self._load(start.known)
        n_left = [max(self._n_trials // 4, 1)] * len(self._strata)
        for params in start.proposals:
            place = self._stratum_of(params)
            if place is not None and n_left[place]:
                self._enqueue(place, params)
                n_left[place] -= 1
        self._studies[0].set_user_attr(_WARMED, True)

    def _load(self, settings: Sequence[Known]) -> None:
        from search_spaces.adapters.optuna import distributions

        self._has_loaded |= bool(settings)
        loaded = {t.user_attrs.get(_LOADED) for study in self._studies for t in _trials(study)}
        for known in settings:
            place = self._stratum_of(known.params)
            if place is not None and known.source not in loaded:
                space = distributions(self._strata[place].space)
                self._studies[place].add_trial(_make_known(known, space))

    def restore(self, answered: Sequence[Answered], known: Sequence[Known]) -> None:
        """Suggest again what was suggested before and forgotten; all of it is open until it is told.

        Where Optuna's numbers are the trials', they are so again: repeats take numbers that no trial has, and
        so do fillers for what left no record.

        Args:
            answered: What stands in the records, in the order of trials and replicates.
            known: What samplers knew of earlier studies, as far as it can be read.
        """
        self._load(known)
        repeats = [a for a in answered if a.first > 1]
        for setting in (a for a in answered if a.first == 1):
            while not self.is_renumbered and (number := len(_trials(self._studies[0]))) < setting.trial:
                repeat = next((a for a in repeats if a.trial < number), None)
                if repeat is None:
                    self._studies[0].add_trial(_make_filler())
                else:
                    repeats.remove(repeat)
                    self._reopen(repeat)
            self._reopen(setting)
        for repeat in repeats:
            self._reopen(repeat)
        self._studies[0].set_user_attr(_WARMED, True)
        self._n_asked = [sum(_counts(trial) for trial in _trials(study)) for study in self._studies]

    def _reopen(self, answered: Answered) -> None:
        place = self._stratum_of(answered.params)
        assert place is not None, "what was trained was suggested by a stratum"
        self._keep(place, answered.params, **{_STANDS_FOR: [answered.trial, answered.first]})

    def close(self) -> None:
        """Leave the database's file to others."""
        self._database.engine.dispose()

    def _stratum_of(self, params: Mapping[str, Any]) -> int | None:
        for place, stratum in enumerate(self._strata):
            if all(params.get(name) == value for name, value in stratum.levels.items()):
                return place
        return None

    def _enqueue(self, place: int, params: Mapping[str, Any]) -> None:
        study, searched = self._studies[place], self._strata[place].space.dimensions
        fixed = {name: params[name] for name in searched if name in params}
        # Optuna's own check for repeats would also find trials that were loaded.
        waiting = [t.system_attrs.get("fixed_params") for t in _trials(study) if t.state.name == "WAITING"]
        if fixed not in waiting:
            study.enqueue_trial(fixed)

    @property
    def n_asked(self) -> int:
        """How many settings were suggested, those that broke a constraint not counted."""
        return sum(self._n_asked)

    def ask(self, planned: Mapping[str, Any] | None) -> tuple[Suggestion, dict[str, Any]]:
        """Return a new suggestion and its setting, of the stratum that has had fewest.

        Args:
            planned: The setting, if it is given.
        """
        from search_spaces.adapters.optuna import ask

        place = self._n_asked.index(min(self._n_asked))
        if planned is not None:
            suggestion = self._keep(place, planned)
            params = {name: planned[name] for name in self._strata[place].space.parameters if name in planned}
        else:
            trial, params = ask(self._studies[place], self._strata[place].space)
            suggestion = Suggestion(place, trial.number)
            self._open[suggestion] = trial._trial_id
        self._n_asked[place] += 1
        return suggestion, params

    def _keep(self, place: int, params: Mapping[str, Any], **user_attrs: Any) -> Suggestion:
        """Put a setting that is given into the storage, whole and open.

        To ask Optuna for it would take a commit for each parameter, and one to queue and one to take it.
        """
        import optuna

        from search_spaces.adapters.optuna import distributions

        study, searched = self._studies[place], distributions(self._strata[place].space)
        active = [name for name in searched if name in params]
        trial = optuna.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params={name: params[name] for name in active},
            distributions={name: searched[name] for name in active},
            user_attrs=user_attrs,
        )
        trial_id = self._storage.create_new_trial(study._study_id, template_trial=trial)
        suggestion = Suggestion(place, self._storage.get_trial_number_from_id(trial_id))
        self._open[suggestion] = trial_id
        return suggestion

    def recall(self) -> list[Memory]:
        """Return what was suggested in earlier legs, in the order of the trials that stand for it."""
        memories = []
        for place, study in enumerate(self._studies):
            for frozen in _trials(study):
                if _counts(frozen):
                    noted = frozen.user_attrs.get(_STANDS_FOR)
                    suggestion = Suggestion(place, frozen.number)
                    stands_for = None if noted is None else (int(noted[0]), int(noted[1]))
                    memories.append(Memory(suggestion, not frozen.state.is_finished(), stands_for))

        def place_of(memory: Memory) -> tuple[bool, int]:
            # Whoever is still without a trial's number gets one when all that were given are known.
            is_nameless = self.is_renumbered and memory.stands_for is None
            return is_nameless, (memory.stands_for or (memory.suggestion.number,))[0]

        return sorted(memories, key=place_of) if self.is_renumbered else memories

    def complete(self, suggestion: Suggestion) -> dict[str, Any] | None:
        """Return the setting of an open suggestion, perhaps half made; closed, and None, if not legal."""
        import optuna

        from search_spaces.adapters.optuna import InfeasibleTrialError, suggest

        trial = optuna.Trial(self._studies[suggestion.stratum], self._open[suggestion])
        try:
            return suggest(trial, self._strata[suggestion.stratum].space)
        except InfeasibleTrialError as error:
            trial.set_user_attr(_INFEASIBLE, str(error))
            self._tell(suggestion, state="PRUNED")
            self._n_asked[suggestion.stratum] -= 1
            return None

    def note(self, suggestion: Suggestion, trial: int, first: int) -> None:
        """Keep for whom a suggestion stands: a trial, and the first of the replicates that answer it."""
        self._storage.set_trial_user_attr(self._id_of(suggestion), _STANDS_FOR, [trial, first])

    def tell_completed(self, suggestion: Suggestion, values: Sequence[float], n_epochs: int) -> None:
        """Tell what a setting reached within so many epochs, in the order of `objectives`."""
        if self._is_closed(suggestion):
            self._amend(suggestion, n_epochs, state="COMPLETE", values=values)
        else:
            self._storage.set_trial_user_attr(self._open[suggestion], _EPOCHS, n_epochs)
            self._tell(suggestion, values)

    def tell_pruned(self, suggestion: Suggestion, value: float, step: int) -> None:
        """Tell that a setting was stopped, and where it stood: samplers rank it by its last step."""
        if self._is_closed(suggestion):
            self._amend(suggestion, step, state="PRUNED", intermediate_values={step: value})
            return
        self._storage.set_trial_intermediate_value(self._open[suggestion], step, value)
        self._tell(suggestion, state="PRUNED")

    def tell_failed(self, suggestion: Suggestion) -> None:
        """Tell that nothing is known of a setting."""
        if not self._is_closed(suggestion):
            self._tell(suggestion, state="FAIL")

    def _is_closed(self, suggestion: Suggestion) -> bool:
        return suggestion not in self._open

    def _amend(self, suggestion: Suggestion, n_epochs: int, state: str, **outcome: Any) -> None:
        """Let the sampler learn of a retry: what Optuna has closed stays as it is, so a trial is added.

        Only where it is news: nothing was known, or only what fewer epochs had come to.
        """
        import optuna

        study, frozen = self._studies[suggestion.stratum], self._storage.get_trial(self._id_of(suggestion))
        told = [t for t in (frozen, *self._amendments[suggestion]) if t.state.name != "FAIL"]
        if any(t.user_attrs.get(_EPOCHS, n_epochs) >= n_epochs for t in told):
            return
        further = optuna.create_trial(
            state=optuna.trial.TrialState[state],
            params=frozen.params,
            distributions=frozen.distributions,
            user_attrs={_AMENDS: suggestion.number, _EPOCHS: n_epochs},
            **outcome,
        )
        study.add_trial(further)
        self._amendments[suggestion].append(further)

    def _tell(
        self, suggestion: Suggestion, values: Sequence[float] | None = None, state: str = "COMPLETE"
    ) -> None:
        import optuna

        study = self._studies[suggestion.stratum]
        study.tell(suggestion.number, values, state=optuna.trial.TrialState[state])
        del self._open[suggestion]

    def _id_of(self, suggestion: Suggestion) -> int:
        study = self._studies[suggestion.stratum]
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study._study_id, suggestion.number)
        return int(trial_id)


def objectives_of(spec: StudySpec) -> tuple[str, ...]:
    """Return what the samplers look for: several objectives, or the study's alone."""
    design = spec.design
    return (isinstance(design, SearchDesign) and design.objectives) or (spec.objective,)


def _open_database(storage: Path) -> optuna.storages.RDBStorage:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.storages.RDBStorage(
            f"sqlite:///{storage}", engine_kwargs={"connect_args": {"timeout": 30.0}}
        )
    except RuntimeError as error:
        raise IntegrityError(
            f"a search is continued by an Optuna that knows its storage: {storage}: {error} "
            "Or install the release that manifest.json names"
        ) from error


def _remembering(database: optuna.storages.RDBStorage) -> optuna.storages.BaseStorage:
    """Return the storage that Optuna wraps around its database, which reads again only what is open."""
    import optuna

    return optuna.storages.get_storage(database)


def _open_studies(
    spec: StudySpec, storage: optuna.storages.BaseStorage, strata: list[Stratum]
) -> list[optuna.Study]:
    import optuna

    n_trials = spec.design.count(spec.space) // len(strata)
    objectives = objectives_of(spec)
    studies = []
    for stratum in strata:
        study = optuna.create_study(
            storage=storage,
            study_name=f"{spec.name}: {stratum.name}" if len(strata) > 1 else spec.name,
            directions=["maximize" if name == "val_accuracy" else "minimize" for name in objectives],
            load_if_exists=True,
        )
        # A later leg starts its stream of random numbers elsewhere, or it would draw its first startup
        # trials again. Strata share it: each begins with the same settings of all else.
        seed = derive_seed(spec.seed, "sampler", len(_trials(study)))
        study.sampler = make_sampler(spec.design, stratum.space, n_trials, seed)
        studies.append(study)
    return studies


def _make_known(known: Known, distributions: Mapping[str, Any]) -> optuna.trial.FrozenTrial:
    import optuna

    searched = [name for name in distributions if name in known.params]
    return optuna.create_trial(
        params={name: known.params[name] for name in searched},
        distributions={name: distributions[name] for name in searched},
        value=known.value,
        user_attrs={_LOADED: known.source},
    )


def _make_filler() -> optuna.trial.FrozenTrial:
    import optuna

    return optuna.create_trial(
        state=optuna.trial.TrialState.FAIL, user_attrs={_INFEASIBLE: "left no record, and was forgotten"}
    )


def _trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False)  # type: ignore[no-any-return]


def _counts(frozen: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial of Optuna's is a suggestion: none that broke a constraint, waits or tells of others."""
    return not {_INFEASIBLE, _AMENDS, _LOADED} & set(frozen.user_attrs) and frozen.state.name != "WAITING"
