"""Optuna's side of a search: which settings are suggested, and in which order.

Each stratum is tuned for itself: a sampler that tunes one level of the scientific parameters learns nothing
from the others, and none gets more trials than they do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.designs import Stratum
from study.search.storage import Suggestion, open_database, open_strata
from study.spec.schema import StudySpec

if TYPE_CHECKING:
    from study.search.warm_start import Known, WarmStart


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
        strata = [Stratum({}, spec.space)] if is_planned else design.strata(spec.space)
        self._n_trials = design.count(spec.space) // len(strata)
        self._database = open_database(storage)
        self._strata = open_strata(spec, self._database, strata)

    @property
    def is_renumbered(self) -> bool:
        """Whether Optuna's numbers are no trial's: there are several strata, or trials of earlier studies."""
        return len(self._strata) > 1 or self._strata[0].has_loaded

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was suggested yet, and nothing of earlier studies made ready."""
        return self.n_asked == 0 and not self._strata[0].is_warmed

    @property
    def n_asked(self) -> int:
        """How many settings were suggested, those that broke a constraint not counted."""
        return sum(stratum.n_asked for stratum in self._strata)

    def close(self) -> None:
        """Leave the database's file to others."""
        self._database.engine.dispose()

    def warm(self, start: WarmStart) -> None:
        """Make settings of earlier studies the first suggestions, and let the samplers know what is known.

        Of each stratum at most a quarter of the trials are settings of others. Whoever dies meanwhile does it
        again: what is there is not put there twice.
        """
        self._load(start.known)
        for stratum in self._strata:
            proposals = [params for params in start.proposals if stratum.holds(params)]
            for params in proposals[: max(self._n_trials // 4, 1)]:
                stratum.enqueue(params)
        self._strata[0].note_warmed()

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
            while not self.is_renumbered and (number := self._strata[0].next_number) < setting.trial:
                repeat = next((a for a in repeats if a.trial < number), None)
                if repeat is None:
                    self._strata[0].fill()
                else:
                    repeats.remove(repeat)
                    self._reopen(repeat)
            self._reopen(setting)
        for repeat in repeats:
            self._reopen(repeat)
        self._strata[0].note_warmed()

    def _load(self, settings: Sequence[Known]) -> None:
        for stratum in self._strata:
            stratum.load(known for known in settings if stratum.holds(known.params))

    def _reopen(self, answered: Answered) -> None:
        # What was trained was suggested by a stratum.
        stratum = next(stratum for stratum in self._strata if stratum.holds(answered.params))
        stratum.keep(answered.params, stands_for=(answered.trial, answered.first))

    def ask(self, planned: Mapping[str, Any] | None) -> tuple[Suggestion, dict[str, Any]]:
        """Return a new suggestion and its setting, of the stratum that has had fewest.

        Args:
            planned: The setting, if it is given.
        """
        stratum = min(self._strata, key=lambda stratum: stratum.n_asked)
        if planned is None:
            return stratum.ask()
        params = {name: planned[name] for name in stratum.space.parameters if name in planned}
        return stratum.keep(planned), params

    def recall(self) -> list[Suggestion]:
        """Return what was suggested in earlier legs, in the order of the trials that stand for it."""
        suggestions = [suggestion for stratum in self._strata for suggestion in stratum.recall()]

        def place_of(suggestion: Suggestion) -> tuple[bool, int]:
            # Whoever is still without a trial's number gets one when all that were given are known.
            is_nameless = self.is_renumbered and suggestion.stands_for is None
            return is_nameless, (suggestion.stands_for or (suggestion.number,))[0]

        return sorted(suggestions, key=place_of) if self.is_renumbered else suggestions
