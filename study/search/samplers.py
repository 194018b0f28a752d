"""Samplers: who proposes the settings of a search. The only module that builds one."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_spaces import Choice, Fixed, Space
from search_spaces.domains import name_density
from study.designs import SearchDesign
from study.errors import EnvironmentFaultError, StudyError
from study.spec.imports import import_object

if TYPE_CHECKING:
    import optuna

    from study.designs import BaseDesign


@dataclass(frozen=True)
class Builder:
    """How one of Optuna's samplers is built.

    Attributes:
        class_name: Its class in `optuna.samplers`.
        defaults: Our own arguments of it, for the settings of a space; the user may replace each.
        packages: What it needs beside Optuna itself, which does without them.
        check: Refuses a space that is not for it.
        starts: Where it takes the trials of earlier legs as `source_trials`: the arguments that say where it
            starts, or that go with no such trials.
    """

    class_name: str
    defaults: Callable[[SearchDesign, Space, int], Mapping[str, Any]]
    packages: tuple[str, ...] = ()
    check: Callable[[Space], None] = lambda space: None
    starts: frozenset[str] = frozenset()


def check_sampler(design: BaseDesign, space: Space) -> None:
    """Refuse a sampler that cannot work here or on this space, before anything is started.

    Raises:
        StudyError: If a package is missing, the space is not for it, or the user's own cannot be built.
    """
    if isinstance(design, SearchDesign) and design.learns:
        _check_all_alike(design, space)
        strata = design.strata(space)
        for stratum in strata:
            make_sampler(design, stratum.space, design.trials // len(strata), seed=0)


def _check_all_alike(design: SearchDesign, space: Space) -> None:
    for name, domain in space.parameters.items():
        if density := name_density(domain):
            raise StudyError(
                f"a sampler that learns finds out which values do well: space.{name} has {density}, which "
                f"{design.sampler} cannot keep; leave it out, or draw at random with design.sampler=random"
            )


def make_sampler(
    design: BaseDesign,
    space: Space,
    n_trials: int,
    seed: int,
    completed: Sequence[optuna.trial.FrozenTrial] = (),
) -> optuna.samplers.BaseSampler:
    """Return the sampler of a design; one whose settings are fixed in advance needs none of its own.

    Args:
        design: What was asked.
        space: Where it searches: the space of a stratum, if there are several.
        n_trials: How many settings it will propose.
        seed: Of its random numbers.
        completed: What earlier legs trained.

    Raises:
        StudyError: As `check_sampler`.
    """
    import optuna

    if not isinstance(design, SearchDesign) or not design.learns:
        return optuna.samplers.RandomSampler(seed=seed)
    builder = BUILDERS.get(design.sampler)
    if builder is None:
        sampler_class, options = _import_class(design.sampler), dict(design.sampler_options)
    else:
        _check_packages(design.sampler)
        builder.check(space)
        sampler_class = getattr(optuna.samplers, builder.class_name)
        options = {**builder.defaults(design, space, n_trials), **design.sampler_options}
    if builder is not None and builder.starts and completed and not builder.starts & set(options):
        # It keeps its distribution to itself: a later leg starts from that of the best trials.
        options["source_trials"] = list(completed)
    if "seed" in inspect.signature(sampler_class).parameters:
        options.setdefault("seed", seed)
    try:
        with warnings.catch_warnings():
            # Some arguments and samplers are marked experimental; we rely on them knowingly.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return sampler_class(**options)
    except (TypeError, ValueError) as error:
        cause = " ".join(str(error).split())
        raise StudyError(
            f"design.sampler_options are arguments of {sampler_class.__name__}: {cause}; "
            f"it takes {', '.join(inspect.signature(sampler_class).parameters)}"
        ) from error


def _check_packages(sampler: str) -> None:
    for package in BUILDERS[sampler].packages:
        if importlib.util.find_spec(package) is None:
            raise EnvironmentFaultError(
                f"the sampler {sampler} needs the package {package}: it is not installed; "
                f"run pip install {package}, or set design.sampler to tpe"
            )


def _check_numeric(space: Space) -> None:
    """Refuse what CMA-ES would leave to chance: choices, and parameters that come and go."""
    for name, domain in space.parameters.items():
        if isinstance(domain, Choice) and domain.size() > 1:
            why = f"{name} is {domain.describe()}"
        elif name in space.conditions and not isinstance(domain, Fixed):
            why = f"{name} applies only where {space.conditions[name].text!r} holds"
        else:
            continue
        raise StudyError(
            f"cmaes searches numbers that every setting has: {why}; fix it, give it a range, name it in "
            "design.scientific, or use tpe"
        )


def _import_class(sampler: str) -> type[optuna.samplers.BaseSampler]:
    """Return the class of the user's own.

    Raises:
        StudyError: If nothing of that name can be imported, or it is no sampler.
    """
    import optuna

    found = import_object(sampler, "design.sampler")
    if not isinstance(found, type) or not issubclass(found, optuna.samplers.BaseSampler):
        raise StudyError(
            f"design.sampler is a subclass of optuna.samplers.BaseSampler: {sampler!r} is {found!r}; "
            "name a class of that kind"
        )
    return found


def _tpe(design: SearchDesign, space: Space, n_trials: int) -> Mapping[str, Any]:
    # Several workers ask before any tells: constant_liar keeps them from proposing the same.
    return {
        "multivariate": True,
        "group": True,
        "constant_liar": True,
        "n_startup_trials": design.count_startup(n_trials),
    }


def _gp(design: SearchDesign, space: Space, n_trials: int) -> Mapping[str, Any]:
    return {"n_startup_trials": design.count_startup(n_trials), "warn_independent_sampling": False}


def _cmaes(design: SearchDesign, space: Space, n_trials: int) -> Mapping[str, Any]:
    stepped = any(space.parameters[name].size() < float("inf") for name in space.dimensions)
    return {
        "warn_independent_sampling": False,
        "with_margin": stepped,  # or steps of an integer freeze at one value (Hamano et al., 2022)
        "consider_pruned_trials": design.scheduler != "none",
    }


def _nsga(design: SearchDesign, space: Space, n_trials: int) -> Mapping[str, Any]:
    # Optuna's 50 would be all of a small study, and its first generation is drawn at random.
    return {"population_size": min(50, max(4, n_trials // 5))}


BUILDERS: Mapping[str, Builder] = {
    "tpe": Builder("TPESampler", _tpe),
    "gp": Builder("GPSampler", _gp, packages=("torch",)),
    "cmaes": Builder(
        "CmaEsSampler",
        _cmaes,
        packages=("cmaes",),
        check=_check_numeric,
        starts=frozenset({"x0", "sigma0", "source_trials", "use_separable_cma"}),
    ),
    "nsga2": Builder("NSGAIISampler", _nsga),
    "nsga3": Builder("NSGAIIISampler", _nsga),
}
"""Of each sampler of `study.designs.samplers` that learns."""
