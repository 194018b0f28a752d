"""Optuna's storage of a search: one database, and in it for each stratum a study of Optuna's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.designs import SearchDesign, Stratum
from study.errors import IntegrityError
from study.search.samplers import make_sampler
from study.seeds import derive_seed
from study.spec.schema import StudySpec

if TYPE_CHECKING:
    import optuna

    from study.search.warm_start import Known

_STANDS_FOR = "replicate_of"
_AMENDS = "amends"  # the number of a trial that a later attempt made good, or trained for longer
_EPOCHS = "epochs"  # after how many a trial was told as complete
_LOADED = "loaded"  # from which setting of an earlier study a trial comes
_WARMED = "warmed"  # set on the first study when all is there to begin with
_INFEASIBLE = "infeasible"  # what broke a constraint, marked by `search_spaces.adapters.optuna.ask`; fillers


@dataclass(eq=False)
class Suggestion:
    """A setting under a number of Optuna's, which waits to be told of it.

    Attributes:
        stratum: Where it lies.
        trial_id: Optuna's own identity of it: to look one up reads all of its trials.
        number: Optuna's, within the stratum.
        is_open: Whether Optuna still waits.
        stands_for: The trial and the first replicate that answer it, where that was noted.
        amendments: What Optuna was told of it after it was closed.
    """

    stratum: StoredStratum
    trial_id: int
    number: int
    is_open: bool = True
    stands_for: tuple[int, int] | None = None
    amendments: list[optuna.trial.FrozenTrial] = field(default_factory=list)

    def complete(self) -> dict[str, Any] | None:
        """Return its setting, which may be half made; closed, and None, if that is not legal."""
        import optuna

        from search_spaces.adapters.optuna import InfeasibleTrialError, suggest

        trial = optuna.Trial(self.stratum.study, self.trial_id)
        try:
            return suggest(trial, self.stratum.space)
        except InfeasibleTrialError as error:
            trial.set_user_attr(_INFEASIBLE, str(error))
            self._tell(state="PRUNED")
            self.stratum.n_asked -= 1
            return None

    def note(self, trial: int, first: int) -> None:
        """Keep for whom it stands: a trial, and the first of the replicates that answer it."""
        self.stratum.storage.set_trial_user_attr(self.trial_id, _STANDS_FOR, [trial, first])
        self.stands_for = trial, first

    def tell_completed(self, values: Sequence[float], n_epochs: int) -> None:
        """Tell what its setting reached within so many epochs, in the order of `objectives_of`."""
        if self.is_open:
            self.stratum.storage.set_trial_user_attr(self.trial_id, _EPOCHS, n_epochs)
            self._tell(values)
        else:
            self._amend(n_epochs, state="COMPLETE", values=values)

    def tell_pruned(self, value: float, step: int) -> None:
        """Tell that its setting was stopped, and where it stood: samplers rank it by its last step."""
        if self.is_open:
            self.stratum.storage.set_trial_intermediate_value(self.trial_id, step, value)
            self._tell(state="PRUNED")
        else:
            self._amend(step, state="PRUNED", intermediate_values={step: value})

    def tell_failed(self) -> None:
        """Tell that nothing is known of its setting."""
        if self.is_open:
            self._tell(state="FAIL")

    def _tell(self, values: Sequence[float] | None = None, state: str = "COMPLETE") -> None:
        import optuna

        self.stratum.study.tell(self.number, values, state=optuna.trial.TrialState[state])
        self.is_open = False

    def _amend(self, n_epochs: int, state: str, **outcome: Any) -> None:
        """Let the sampler learn of a retry: what Optuna has closed stays as it is, so a trial is added.

        Only where it is news: nothing was known, or only what fewer epochs had come to.
        """
        import optuna

        frozen = self.stratum.storage.get_trial(self.trial_id)
        told = [t for t in (frozen, *self.amendments) if t.state.name != "FAIL"]
        if any(t.user_attrs.get(_EPOCHS, n_epochs) >= n_epochs for t in told):
            return
        further = optuna.create_trial(
            state=optuna.trial.TrialState[state],
            params=frozen.params,
            distributions=frozen.distributions,
            user_attrs={_AMENDS: self.number, _EPOCHS: n_epochs},
            **outcome,
        )
        self.stratum.study.add_trial(further)
        self.amendments.append(further)


class StoredStratum:
    """A stratum as Optuna keeps it: what was suggested, what is known from elsewhere, and its sampler.

    Args:
        study: Optuna's.
        storage: Where it lies.
        stratum: Which.

    Attributes:
        space: Where its settings lie.
        n_asked: How many settings were suggested, those that broke a constraint not counted.
    """

    def __init__(self, study: optuna.Study, storage: optuna.storages.BaseStorage, stratum: Stratum) -> None:
        self.study, self.storage, self.space = study, storage, stratum.space
        self._levels = stratum.levels
        trials = self._trials()
        self.n_asked = sum(map(_is_suggested, trials))
        self._loaded = {t.user_attrs[_LOADED] for t in trials if _LOADED in t.user_attrs}

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Whether a setting is of this stratum."""
        return all(params.get(name) == value for name, value in self._levels.items())

    @property
    def has_loaded(self) -> bool:
        """Whether trials of earlier studies have numbers here."""
        return bool(self._loaded)

    @property
    def is_warmed(self) -> bool:
        """Whether all is there that this stratum begins with."""
        return _WARMED in self.study.user_attrs

    def note_warmed(self) -> None:
        """Keep that it is."""
        self.study.set_user_attr(_WARMED, True)

    @property
    def next_number(self) -> int:
        """What Optuna numbers its next trial."""
        return len(self._trials())

    def load(self, settings: Iterable[Known]) -> None:
        """Let the sampler know settings of earlier studies; what it knows already is not put there twice."""
        import optuna

        new = [known for known in settings if known.source not in self._loaded]
        for known in new:
            trial = optuna.create_trial(
                **self._searched(known.params), value=known.value, user_attrs={_LOADED: known.source}
            )
            self.study.add_trial(trial)
        self._loaded.update(known.source for known in new)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Make a setting one of the next suggestions, unless it waits already."""
        fixed = {name: params[name] for name in self.space.dimensions if name in params}
        # Optuna's own check for repeats would also find trials that were loaded.
        if fixed not in [t.system_attrs.get("fixed_params") for t in self._trials() if _waits(t)]:
            self.study.enqueue_trial(fixed)

    def ask(self) -> tuple[Suggestion, dict[str, Any]]:
        """Return what the sampler suggests, and its setting."""
        from search_spaces.adapters.optuna import ask

        trial, params = ask(self.study, self.space)
        self.n_asked += 1
        return Suggestion(self, trial._trial_id, trial.number), params

    def keep(self, params: Mapping[str, Any], stands_for: tuple[int, int] | None = None) -> Suggestion:
        """Put a setting that is given into the storage, whole and open.

        To ask Optuna for it would take a commit for each parameter, and one to queue and one to take it.
        """
        import optuna

        trial = optuna.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            **self._searched(params),
            user_attrs={} if stands_for is None else {_STANDS_FOR: list(stands_for)},
        )
        trial_id = self.storage.create_new_trial(self.study._study_id, template_trial=trial)
        self.n_asked += 1
        return Suggestion(
            self, trial_id, self.storage.get_trial_number_from_id(trial_id), stands_for=stands_for
        )

    def fill(self) -> None:
        """Use up a number for what left no record."""
        import optuna

        filler = optuna.create_trial(
            state=optuna.trial.TrialState.FAIL, user_attrs={_INFEASIBLE: "left no record, and was forgotten"}
        )
        self.study.add_trial(filler)

    def recall(self) -> list[Suggestion]:
        """Return what was suggested, open or closed, in the order of Optuna's numbers."""
        trials, amendments = self._trials(), defaultdict(list)
        for trial in trials:
            if _AMENDS in trial.user_attrs:
                amendments[trial.user_attrs[_AMENDS]].append(trial)
        suggestions = []
        for trial in filter(_is_suggested, trials):
            noted, is_open = trial.user_attrs.get(_STANDS_FOR), not trial.state.is_finished()
            stands_for = None if noted is None else (int(noted[0]), int(noted[1]))
            told = amendments[trial.number]
            suggestions.append(Suggestion(self, trial._trial_id, trial.number, is_open, stands_for, told))
        return suggestions

    def _searched(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what Optuna keeps of a setting: the parameters that it searches, and their distributions."""
        from search_spaces.adapters.optuna import distributions

        searched = {name: d for name, d in distributions(self.space).items() if name in params}
        return {"params": {name: params[name] for name in searched}, "distributions": searched}

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        return self.study.get_trials(deepcopy=False)  # type: ignore[no-any-return]


def open_database(path: Path) -> optuna.storages.RDBStorage:
    """Open or create a database of Optuna's.

    Raises:
        IntegrityError: If another release of Optuna wrote it.
    """
    import optuna

    try:
        return optuna.storages.RDBStorage(
            f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 30.0}}
        )
    except RuntimeError as error:
        raise IntegrityError(
            f"a search is continued by an Optuna that knows its storage: {path}: {error} "
            "Or install the release that manifest.json names"
        ) from error


def open_strata(
    spec: StudySpec, database: optuna.storages.BaseStorage, strata: Sequence[Stratum]
) -> list[StoredStratum]:
    """Open or create the studies of a search, one for each stratum, and give each its sampler."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    storage = optuna.storages.get_storage(database)  # which reads again only what is open
    n_trials = spec.design.count(spec.space) // len(strata)
    stored = []
    for stratum in strata:
        study = optuna.create_study(
            storage=storage,
            study_name=f"{spec.name}: {stratum.name}" if len(strata) > 1 else spec.name,
            directions=["maximize" if n == "val_accuracy" else "minimize" for n in objectives_of(spec)],
            load_if_exists=True,
        )
        stored.append(StoredStratum(study, storage, stratum))
        # A later leg starts its stream of random numbers elsewhere, or it would draw its first startup
        # trials again. Strata share it: each begins with the same settings of all else.
        seed = derive_seed(spec.seed, "sampler", stored[-1].next_number)
        study.sampler = make_sampler(spec.design, stratum.space, n_trials, seed)
    return stored


def objectives_of(spec: StudySpec) -> tuple[str, ...]:
    """Return what the samplers look for: several objectives, or the study's alone."""
    design = spec.design
    return (isinstance(design, SearchDesign) and design.objectives) or (spec.objective,)


def _waits(trial: optuna.trial.FrozenTrial) -> bool:
    return bool(trial.state.name == "WAITING")


def _is_suggested(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial of Optuna's is a suggestion: none that broke a constraint, waits or tells of others."""
    return not {_INFEASIBLE, _AMENDS, _LOADED} & set(trial.user_attrs) and not _waits(trial)
