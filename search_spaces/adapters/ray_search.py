"""A search for Ray Tune in which Optuna proposes and constraints hold."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.errors import SpaceError
from search_spaces.extras import needed_by
from search_spaces.nesting import nest
from search_spaces.space import Space

with needed_by("search_spaces.adapters.ray"):
    from ray.tune.search import Searcher

if TYPE_CHECKING:
    import optuna


class OptunaSpaceSearch(Searcher):  # type: ignore[misc]
    """A `search_alg` for `tune.TuneConfig`: Optuna's samplers on a space with conditions and constraints.

    A suggestion that breaks a constraint is told to Optuna as pruned and asked for again, see `optuna.ask`.
    The defaults of the space, if any, are the first trial. A trial's config holds the parameters that apply,
    and no others; the search needs no `param_space`. It pickles, and Tune saves it with the experiment.

    Args:
        space: What to search.
        metric: The result to optimize; left out, that of `TuneConfig`.
        mode: `min` or `max`; left out, that of `TuneConfig`.
        sampler: Any of Optuna's; `TPESampler` where it is left out.
        seed: Of that `TPESampler`.
        nested: Whether configs are nested dicts, one level for each dot of a name.

    Raises:
        SpaceError: If the space has weights or normal ranges, which Optuna does not know, or a bad mode.
    """

    def __init__(
        self,
        space: Space,
        metric: str | None = None,
        mode: str | None = None,
        *,
        sampler: optuna.samplers.BaseSampler | None = None,
        seed: int | None = None,
        nested: bool = False,
    ) -> None:
        from search_spaces.adapters.optuna import distributions

        if mode not in (None, "min", "max"):
            raise SpaceError(f"mode is min or max, not {mode!r}: give one of these.")
        super().__init__(metric=metric, mode=mode)
        self._metric: str | None = metric
        self._mode: str | None = mode
        distributions(space)  # refuses what Optuna cannot search, before a cluster starts
        self._space = space
        self._sampler = sampler
        self._seed = seed
        self._nested = nested
        self._study: optuna.Study | None = None
        self._numbers: dict[str, int] = {}

    def set_search_properties(self, metric: str | None, mode: str | None, config: Any, **spec: Any) -> bool:
        """Take the metric and mode of `TuneConfig`; a `param_space` beside the space is refused.

        Raises:
            SpaceError: If there is one.
        """
        if config:
            raise SpaceError(
                f"the space is the search's own: leave out param_space, which has {list(config)!r}."
            )
        if self._study is None:
            self._metric, self._mode = metric or self._metric, mode or self._mode
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The setting of a new trial of Tune's."""
        from search_spaces.adapters.optuna import ask

        trial, setting = ask(self._open_study(), self._space)
        self._numbers[trial_id] = trial.number
        return nest(setting) if self._nested else setting

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: Optuna is told of a trial when it is over."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell Optuna what a trial reached: failed where it ended in an error or without a finite metric."""
        from optuna.trial import TrialState

        number = self._numbers.pop(trial_id, None)
        if number is None:
            return  # told already
        value = (result or {}).get(self._metric or "")
        study = self._open_study()
        if error or value is None or not math.isfinite(value):
            study.tell(number, state=TrialState.FAIL)
        else:
            study.tell(number, float(value))

    def save(self, checkpoint_path: str) -> None:
        """Write all that the search knows to a file."""
        Path(checkpoint_path).write_bytes(pickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """Go on from what `save` wrote: a file of one's own, for unpickling runs whatever a file says."""
        self.__dict__.update(pickle.loads(Path(checkpoint_path).read_bytes()))  # noqa: S301

    @property
    def study(self) -> optuna.Study:
        """Optuna's study, with a trial for each of Tune's and those that broke a constraint."""
        return self._open_study()

    def _open_study(self) -> optuna.Study:
        import optuna

        from search_spaces.adapters.optuna import enqueue_defaults

        if self._study is None:
            if not self._metric or not self._mode:
                raise SpaceError("a search needs a metric and a mode: give them to it, or to TuneConfig.")
            direction = {"min": "minimize", "max": "maximize"}[self._mode]
            sampler = self._sampler or optuna.samplers.TPESampler(seed=self._seed)
            self._study = optuna.create_study(sampler=sampler, direction=direction)
            enqueue_defaults(self._study, self._space)
        return self._study
