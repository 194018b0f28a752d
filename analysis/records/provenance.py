"""What the legs of a study ran on, and which runs were trained before and after it changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from analysis.records.schema import RUN_KEY
from analysis.records.upgrade import split_replicate
from analysis.words.numbers import count, listing

if TYPE_CHECKING:
    import pandas as pd

DECISIVE_PACKAGES = ("recurrent-study", "tensorflow", "keras", "numpy", "numba")
"""What trains: the same setting and seed under another version may come to other figures."""

_MACHINE = {"processor": "the architecture", "processor_model": "the driver's processor"}


def installed_version(package: str) -> str | None:
    """The version of a package as its installer noted it, without importing it; None where it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, kw_only=True)
class Change:
    """A leg that ran on something else than the one before it.

    Attributes:
        leg: Which, from 1.
        what: By name, what it was before and what it was then.
        n_before: Runs that had been trained by then.
        after: Trials of the runs that came after, one each.
        across: Trials of the runs that began before and went on after.
    """

    leg: int
    what: Mapping[str, tuple[str, str]]
    n_before: int
    after: tuple[int, ...]
    across: tuple[int, ...]


def describe_basis(leg: Mapping[str, Any]) -> dict[str, str]:
    """Return what the figures of a leg rest on, by name.

    Where the code was a checkout its revision counts, for a version covers many.

    Args:
        leg: Its entry in the manifest; what that does not say is absent from the answer.
    """
    packages, machine = leg.get("packages"), leg.get("machine")
    basis = {}
    if isinstance(packages, dict):
        basis = {name: str(packages[name] or "none") for name in DECISIVE_PACKAGES if name in packages}
    if leg.get("source_revision") and "recurrent-study" in basis:
        revision, _, changes = str(leg["source_revision"]).partition("+")
        basis["recurrent-study"] += f" at {revision[:12]}{' with ' + changes if changes else ''}"
    if isinstance(machine, dict):
        basis |= {name: str(machine[key]) for key, name in _MACHINE.items() if machine.get(key)}
    return basis


def compare_legs(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return what two legs are known to differ in: what it was, and what it was later."""
    before, after = describe_basis(earlier), describe_basis(later)
    shared = [name for name in before if name in after]
    return {name: (before[name], after[name]) for name in shared if before[name] != after[name]}


def say_changes(what: Mapping[str, tuple[str, str]]) -> str:
    """Say what changed: `keras 3.15.1 instead of 3.14.0 and numpy ...`."""
    return listing([f"{name} {now} instead of {before}" for name, (before, now) in what.items()])


def find_changes(manifest: Mapping[str, Any], trials: pd.DataFrame) -> list[Change]:
    """Return each leg that ran on something else than the one before it.

    Args:
        manifest: What the study ran on; one that tells of no legs has no changes.
        trials: Columns `trial`, `phase`, `replicate` and `started_at`; a run belongs to the leg in which its
            training started, by the clock of the driver, and to those that took it up.
    """
    legs = manifest.get("legs")
    known = [leg for leg in legs if isinstance(leg, dict)] if isinstance(legs, list) else []
    changes = []
    for number, (earlier, later) in enumerate(itertools.pairwise(known), start=2):
        what = compare_legs(earlier, later)
        if what and isinstance(later.get("started_at"), str):
            taken_up = {key for leg in known[number - 1 :] for key in _runs_of(leg.get("taken_up"))}
            changes.append(_place(number, what, later["started_at"], taken_up, trials))
    return changes


def read_change(change: Change) -> str:
    """Say what changed, and which runs it divides."""
    across = f", {say_runs(change.across)} began before and went on after" if change.across else ""
    return (
        f"From leg {change.leg} on the study ran on {say_changes(change.what)}: "
        f"{count(change.n_before, 'run')} had been trained before, {say_runs(change.after)} came after"
        f"{across}. What differs between them may come of that."
    )


def _runs_of(entry: object) -> Iterable[tuple[int, str, int]]:
    """The runs that a leg took up: trial, phase and replicate, or trial and replicate of schema 1."""
    for run in entry if isinstance(entry, list) else []:
        if isinstance(run, list) and len(run) == 3:
            yield run[0], run[1], run[2]
        elif isinstance(run, list) and len(run) == 2 and isinstance(run[1], int):
            yield run[0], *split_replicate(run[1])


def _place(
    leg: int,
    what: Mapping[str, tuple[str, str]],
    started_at: str,
    taken_up: set[tuple[int, str, int]],
    trials: pd.DataFrame,
) -> Change:
    n_before, after, across = 0, [], []
    for trial, phase, replicate, began_at in zip(
        *(trials[name] for name in (*RUN_KEY, "started_at")), strict=True
    ):
        if not isinstance(began_at, str):
            continue  # never handed out, or not recorded
        if began_at >= started_at:
            after.append(int(trial))
        elif (trial, phase, replicate) in taken_up:
            across.append(int(trial))
        else:
            n_before += 1
    return Change(leg=leg, what=what, n_before=n_before, after=tuple(after), across=tuple(across))


def say_runs(trials: tuple[int, ...]) -> str:
    """Say how many runs, and of which trials."""
    if not trials:
        return "none"
    distinct = sorted(set(trials))
    names = listing([str(trial) for trial in distinct], 8)
    return f"{count(len(trials), 'run')} ({'trial' if len(distinct) == 1 else 'trials'} {names})"
