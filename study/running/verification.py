"""Whether a study is whole: every file is what was written, and what is derived follows from the records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.records.atomic import TEMPORARY_PATTERN
from analysis.records.models import CARD_FILE
from analysis.records.plain import find_odd
from study.errors import IntegrityError, StudyError
from study.store.checksums import CHECKSUMS_FILE, digest_of, read_checksums, write_checksums
from study.store.database import check_database
from study.store.directory import StudyDirectory
from study.store.models import read_card

DERIVED = ("trials.parquet", "epochs.parquet", "report", "optuna.db")
"""What can be made again from the records."""


@dataclass(frozen=True)
class Damage:
    """One file that is not what it should be."""

    path: Path
    fault: str
    is_derived: bool = False


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        damages: Each file once, in the order of paths.
        has_checksums: Whether every bit was compared with what was written, or only the files' own sense.
    """

    damages: tuple[Damage, ...]
    has_checksums: bool

    @property
    def is_mendable(self) -> bool:
        """Whether all that is damaged can be made again from the records."""
        return all(damage.is_derived for damage in self.damages)


def verify(directory: StudyDirectory) -> Verdict:
    """Look at every file of a study that no process is at work on; change none.

    Nothing is unpickled, and no model is loaded.
    """
    checks: tuple[Callable[[StudyDirectory], Iterator[Damage]], ...] = (
        _check_checksums,
        _check_spec,
        _check_manifest,
        _check_records,
        _check_optuna,
        _check_models,
        _check_tables,
    )
    odd = tuple(Damage(path, fault) for path, fault in find_odd(directory.path))
    if odd:  # to open them could take for ever
        return Verdict(odd, (directory.path / CHECKSUMS_FILE).is_file())
    damages: dict[Path, Damage] = {}
    for check in checks:
        for damage in check(directory):
            damages.setdefault(damage.path, damage)
    found = tuple(damages[path] for path in sorted(damages))
    return Verdict(found, has_checksums=(directory.path / CHECKSUMS_FILE).exists())


def mend(directory: StudyDirectory) -> None:
    """Make what is derived again from the records, and the checksums; only the directory's holder may."""
    from study.running.publication import publish

    directory.sweep()
    publish(directory)
    write_checksums(directory)


def _check_checksums(directory: StudyDirectory) -> Iterator[Damage]:
    try:
        digests = read_checksums(directory)
    except StudyError as error:
        yield Damage(directory.path / CHECKSUMS_FILE, str(error))
        return
    if digests is None:
        return
    for path in _files_of_ours(directory):
        if str(path.relative_to(directory.path)) not in digests:  # as in one that was cut between two lines
            yield Damage(directory.path / CHECKSUMS_FILE, f"does not name {path}, which is there")
    for name, digest in digests.items():
        path = directory.path / name
        if not path.resolve().is_relative_to(directory.path.resolve()):
            yield Damage(directory.path / CHECKSUMS_FILE, f"names a file outside of the study: {name!r}")
        elif (found := digest_of(path)) != digest and not (found and path == directory.optuna):
            fault = "is not what was written" if found else "is missing"
            yield Damage(path, fault, is_derived=name.split("/")[0] in DERIVED)


def _files_of_ours(directory: StudyDirectory) -> Iterator[Path]:
    """Yield what a leg has written, as far as it is there; others may keep files beside it."""
    yield from directory.path.glob("*.db")
    yield from directory.path.glob("*.parquet")
    yield from (path for path in (directory.spec, directory.manifest) if path.exists())
    for folder in (directory.models, directory.report):
        # What a process left half-written that died is no part of the study, and the next leg removes it.
        yield from (
            path
            for path in folder.rglob("*")
            if path.is_file() and not TEMPORARY_PATTERN.fullmatch(path.name)
        )


def _check_spec(directory: StudyDirectory) -> Iterator[Damage]:
    from analysis.errors import AnalysisError
    from analysis.records.database import read_records
    from study.store.growth import check_grown

    try:
        spec = directory.read_spec()
    except ValueError as error:
        yield Damage(directory.spec, f"cannot be read: {error}")
        return
    try:
        check_grown(spec, read_records(directory.records).facts, directory.spec)
    except IntegrityError as error:
        yield Damage(directory.spec, str(error))
    except AnalysisError:
        return  # the records' own fault, and told as such


def _check_manifest(directory: StudyDirectory) -> Iterator[Damage]:
    from study.store.manifest import Manifest

    try:
        Manifest.open(directory)
    except StudyError as error:
        yield Damage(directory.manifest, f"cannot be read: {error}")


def _check_records(directory: StudyDirectory) -> Iterator[Damage]:
    try:
        check_database(directory.records, "integrity_check")
    except StudyError as error:
        yield Damage(directory.records, str(error))


def _check_optuna(directory: StudyDirectory) -> Iterator[Damage]:
    """Find what does not follow from the records; a note in it, optuna-dashboard's say, is no damage."""
    path = directory.optuna
    if not path.exists():
        return  # no leg has come to its end yet
    try:
        check_database(path, "integrity_check")
        fault = (
            None if _is_as_written(directory) or _follows(directory) else "does not follow from the records"
        )
    except StudyError as error:
        fault = str(error)
    if fault is not None:
        yield Damage(path, fault, is_derived=True)


def _is_as_written(directory: StudyDirectory) -> bool:
    """Whether nobody wrote to Optuna's file since its leg did, or there are no checksums that would tell."""
    try:
        digests = read_checksums(directory)
    except StudyError:
        return True  # the fault of the checksums, and told as such
    name = directory.optuna.name
    return digests is None or digests.get(name) == digest_of(directory.optuna)


def _follows(directory: StudyDirectory) -> bool:
    from analysis.errors import AnalysisError
    from study.search.optuna_export import follows_from, list_trials
    from study.store.outcomes import read_outcomes

    try:
        spec = directory.read_spec()
        with read_outcomes(directory.records) as records:
            trials = list_trials(spec, records)
    except (AnalysisError, ValueError):
        return True  # the records' or the spec's own fault, and told as such
    return follows_from(spec, trials, directory.optuna)


def _check_models(directory: StudyDirectory) -> Iterator[Damage]:
    for folder in sorted(directory.models.glob("trial-*")):
        card = read_card(folder)
        if card is None:
            yield Damage(folder / CARD_FILE, "cannot be read")
            continue
        for name, digest in card.digests.items():
            if digest_of(folder / name) != digest:
                yield Damage(folder / name, "is not what its card says")


def _check_tables(directory: StudyDirectory) -> Iterator[Damage]:
    import analysis
    from analysis.errors import AnalysisError
    from analysis.records.files import EPOCHS_FILE, TRIALS_FILE, read_parquet

    trials, epochs = directory.path / TRIALS_FILE, directory.path / EPOCHS_FILE
    if not trials.exists() and not epochs.exists():
        return  # no leg has come to its end yet
    try:
        study = analysis.load(directory.records)
    except AnalysisError:
        return  # the records' own fault, and told as such
    try:
        tables = read_parquet(directory.path)
    except (AnalysisError, json.JSONDecodeError) as error:
        damaged = epochs if EPOCHS_FILE in str(error) else trials
        yield Damage(damaged, f"cannot be read: {error}", is_derived=True)
        return
    for path, derived, true in ((trials, tables.trials, study.trials), (epochs, tables.epochs, study.epochs)):
        if not derived.reset_index(drop=True).equals(true.reset_index(drop=True)):
            yield Damage(path, "does not follow from the records", is_derived=True)
