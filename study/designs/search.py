"""The design that decides as it goes: a sampler proposes, a scheduler stops."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from analysis.records import schema as records
from analysis.words.numbers import count, listing
from search_spaces import Space
from study.designs.base import Plan, say_luck, say_runs, size_of
from study.designs.brackets import bracket_of, plan_brackets
from study.designs.drawn import DrawnDesign, say_companions, say_drawn, say_repeats
from study.designs.samplers import SAMPLERS, Sampler
from study.errors import StudyError

Objective = records.Objective | Literal["gap", "n_weights", "seconds"]
"""What a search may look for: figures of the best epoch, `gap` is training minus validation accuracy."""

SCHEDULER_NAMES = {"asha": "ASHA", "hyperband": "Asynchronous Hyperband", "median": "The median rule"}


class SearchDesign(DrawnDesign):
    """A sampler proposes settings, a scheduler stops the hopeless ones."""

    kind: Literal["search"] = "search"
    sampler: str = Field(
        default="tpe", description=f"{', '.join(SAMPLERS)}, or package.module:Class of one of your own"
    )
    sampler_options: dict[str, Any] = Field(default={}, description="arguments of the sampler's class")
    objectives: tuple[Objective, ...] = Field(
        default=(),
        strict=False,
        description="two or more to trade off against each other; by default the study's objective alone",
    )
    scheduler: Literal["asha", "hyperband", "median", "none"] = "asha"
    grace_period_epochs: int = Field(default=2, ge=1, description="no trial is stopped before this epoch")
    reduction_factor: int = Field(default=3, ge=2, description="of this many trials at a rung, one goes on")
    audit_pruned: float | None = Field(
        default=None, gt=0.0, le=1.0, description="share of stopped runs to finish after the search"
    )

    @field_validator("scheduler", mode="before")
    @classmethod
    def _no_population(cls, scheduler: object) -> object:
        if scheduler in ("pbt", "pb2"):
            raise StudyError(
                f"a trial keeps its parameters from its first epoch to its last: {scheduler} changes them "
                "and copies weights between trials while they train, but cell, units, layers and vocabulary "
                "make the weights' shapes, and no trial could be repeated from its parameters and seed; "
                "use asha"
            )
        return scheduler

    @field_validator("sampler")
    @classmethod
    def _known_or_imported(cls, sampler: str) -> str:
        if sampler not in SAMPLERS and ":" not in sampler:
            raise StudyError(
                f"a sampler is {', '.join(SAMPLERS)} or an import path: {sampler!r} is none of them; "
                "write package.module:Class for one of your own"
            )
        return sampler

    def check(self, space: Space, max_epochs: int) -> None:
        """Refuse a scheduler that could stop nothing, or that judges by one objective of several.

        Raises:
            StudyError: Also if trials cannot be shared equally.
        """
        super().check(space, max_epochs)
        self._check_objectives()
        if self.scheduler != "none" and self.grace_period_epochs > max_epochs:
            raise StudyError(
                f"design.grace_period_epochs={self.grace_period_epochs} exceeds "
                f"training.max_epochs={max_epochs}: no trial could stop early; lower it, raise max_epochs or "
                "set design.scheduler to none"
            )
        if self.audit_pruned is not None and self.scheduler == "none":
            raise StudyError(
                "an audit finishes what a scheduler stopped: design.scheduler=none stops nothing, but "
                f"design.audit_pruned={self.audit_pruned:g}; leave it out, or name a scheduler"
            )

    def _check_objectives(self) -> None:
        if not self.objectives:
            return
        given = listing(self.objectives)
        if len(set(self.objectives)) < 2 or len(set(self.objectives)) < len(self.objectives):
            raise StudyError(
                f"design.objectives are traded off against each other: {given} cannot be; name two or more "
                "different ones, or none"
            )
        if self.scheduler != "none":
            raise StudyError(
                f"a scheduler stops runs by one figure: design.scheduler={self.scheduler} knows nothing of "
                f"{given} together; set it to none"
            )
        if not self._sampler.takes_objectives:
            raise StudyError(
                f"{self.sampler} looks for one objective: {given} are {len(self.objectives)}; use nsga2, "
                "nsga3 or tpe"
            )

    @property
    def _sampler(self) -> Sampler:
        return SAMPLERS.get(self.sampler, Sampler(self.sampler))

    @property
    def learns(self) -> bool:
        """Whether what became of a setting decides about later ones."""
        return self._sampler.plan is None

    @property
    def begins_by_chance(self) -> bool:
        """Whether the first settings follow from the study's seed alone."""
        return self._sampler.begins_by_chance

    def plan(self, space: Space, study_seed: int) -> Plan | None:
        """Return the settings that a sampler draws in advance; None of one that learns."""
        draw = self._sampler.plan
        return None if draw is None else draw(self.strata(space), self.trials, study_seed)

    def first_rungs(self, max_epochs: int) -> list[int]:
        """Return after which epoch runs are first judged, of each bracket: one, but for Hyperband."""
        if self.scheduler == "hyperband":
            return plan_brackets(self.grace_period_epochs, max_epochs, self.reduction_factor)
        return [self.grace_period_epochs]

    def rungs(self, max_epochs: int, trial: int) -> list[int]:
        """Return after which epochs runs of a setting are judged; the median rule goes on after its first.

        Args:
            max_epochs: No run is longer; after its last epoch none is judged.
            trial: The setting's number.
        """
        if self.scheduler == "none":
            return []
        firsts = self.first_rungs(max_epochs)
        first = firsts[bracket_of(trial, len(firsts), self.reduction_factor)]
        rungs = plan_brackets(first, max_epochs, self.reduction_factor)[:-1]
        return rungs[:1] if self.scheduler == "median" else rungs

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        plan = self.plan(space, study_seed)
        is_fixed = plan is not None
        learns = "" if is_fixed else ", which learns from those before"
        said = say_drawn(space) if is_fixed else self._say_search(space)
        return [
            say_runs(self.trials, seeds, f"proposed by {self._sampler.said}{learns}."),
            *self._say_startup(space),
            *self._say_scheduler(),
            *say_repeats(plan or ()),
            *say_companions(plan or ()),
            *(self._say_strata(space, are_paired=is_fixed and not space.constraints) or said),
            *([] if is_fixed else self._say_size(space)),
            *say_luck(seeds),
        ]

    def count_startup(self, n_trials: int) -> int:
        """Return how many of `n_trials` trials a sampler leaves to chance, to have what to learn from."""
        given = self.sampler_options.get("n_startup_trials")
        return given if isinstance(given, int) else min(10, max(4, n_trials // 3))

    def _say_startup(self, space: Space) -> list[str]:
        if not self.begins_by_chance:
            return []
        share = self.trials // len(self.strata(space))
        of = "of each level " if self.scientific else ""
        first = min(self.count_startup(share), share)
        which = f"first {first} settings {of}are" if first > 1 else f"first setting {of}is"
        return [f"The {which} drawn at random."]

    def _say_scheduler(self) -> list[str]:
        if self.scheduler == "none":
            return []
        from_epoch = f"from epoch {self.grace_period_epochs} on"
        rules = {
            "asha": f"stops runs {from_epoch} that are not among the best 1 in {self.reduction_factor} at "
            "their rung",
            "hyperband": f"stops runs as ASHA does, some {from_epoch}, others only later, for settings that "
            "start slowly",
            "median": f"stops runs {from_epoch} whose best is below the median of the others' averages",
        }
        said = [
            f"{SCHEDULER_NAMES[self.scheduler]} {rules[self.scheduler]}; a stopped run is never compared as "
            "if it had run to its end."
        ]
        if self.audit_pruned is not None:
            said.append(
                f"Can answer how often stopping was wrong: {self.audit_pruned:.0%} of the stopped runs, "
                "drawn by lot, at least one, are finished afterwards."
            )
        if not self._sampler.learns_from_stopped:
            said.append(
                f"The sampler, {self._sampler.said}, learns only from runs that went to their end: consider "
                "tpe, or no scheduler."
            )
        return said

    def _say_search(self, space: Space) -> list[str]:
        best = "Can answer which setting is best, in fewer runs than trying all, and where good settings lie."
        if self.objectives:
            best = (
                f"Can answer which settings no other beats in {listing(self.objectives)} at once: a front, "
                "on which each gain costs something; cannot answer which of them to take."
            )
        return [
            best,
            f"Cannot answer how much each of {listing(space.dimensions, limit=12)} matters: promising values "
            "are tried more often and in other company; the report holds all else equal by a model, and a "
            "factorial does so by design. For a question about one parameter, name it in design.scientific.",
        ]

    def _say_size(self, space: Space) -> list[str]:
        n_all = size_of(space)
        if self.trials < n_all:
            return []
        return [
            f"The space has {count(int(n_all), 'setting')} in all, no more than there are trials: a grid "
            f"would try {'it' if n_all == 1 else 'each of them'} once."
        ]
