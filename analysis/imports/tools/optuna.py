"""Optuna's storages: a SQLite file, a journal file, or the URL of a database."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError, MissingLibraryError
from analysis.imports.metrics import tells_kind
from analysis.imports.runs import ForeignRun, Source, gather
from analysis.records.read_only import open_read_only
from analysis.records.schema import State
from analysis.values import is_number
from analysis.words.numbers import count, listing
from search_spaces.formats.beginnings import JOURNAL, SQLITE

if TYPE_CHECKING:
    import optuna

VALUE = "value"
"""What the first figure is called that Optuna keeps of a trial without a name: `--val-loss value`."""

_STATES: dict[str, State] = {
    "COMPLETE": "completed",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
}


def holds_optuna(path: Path) -> bool:
    """Whether a file is a SQLite database or a journal of Optuna's.

    Raises:
        AnalysisError: If it is a SQLite database that is cut or overwritten, whoever's it was.
    """
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        start = stream.read(len(SQLITE))
    return start.startswith(JOURNAL) or (start == SQLITE and _has_studies(path))


def read_optuna(source: str, study_name: str | None = None) -> Source:
    """Read the trials of an Optuna study.

    What was reported of a trial step by step becomes its curve; where nothing was, its final values are its
    figures. They are called as `set_metric_names` says, else `VALUE`, `values_1` and so on. Lists of numbers
    among its user attributes become curves of their names, e.g. a `val_loss` that was stored with
    `set_user_attr`.

    Args:
        source: A file, which is copied before it is opened, or the URL of a database.
        study_name: The study, where there are several.

    Raises:
        MissingLibraryError: If Optuna, or the driver of a database, is not installed.
        AnalysisError: If it is no storage of Optuna's, it is damaged, or the study is not there.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            "an Optuna storage is read by Optuna: it is not installed; pip install 'recurrent-study[optuna]'"
        ) from error
    path = find_file(source)
    if path is not None and not holds_optuna(path):
        raise AnalysisError(
            f"{source}: is no storage of Optuna's: give a SQLite or journal file that it wrote"
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _open_storage(source) as storage:
        names = sorted(optuna.get_all_study_names(storage))
        if study_name is None and len(names) != 1:
            raise AnalysisError(
                f"{source}: holds {count(len(names), 'study', 'studies')}: say which with --study"
                + (f", one of {listing(names, 12)}" if names else "")
            )
        if study_name is not None and study_name not in names:
            raise AnalysisError(
                f"{source}: has no study {study_name!r}: there are {listing(names, 12) or 'none'}"
            )
        study = optuna.load_study(study_name=study_name or names[0], storage=storage)
        trials = study.get_trials(deepcopy=False)
        maximizes = study.directions[0] == optuna.study.StudyDirection.MAXIMIZE
        n_objectives = len(study.directions)
        values = study.metric_names or [VALUE, *(f"values_{i}" for i in range(1, n_objectives))]
        runs = [_read_trial(trial, values) for trial in trials if trial.state.name in _STATES]
        space, remarks = _describe_space(study) if runs else (None, [])
    known = [value for value in values if tells_kind(value)]
    notes = (
        f"It has {n_objectives} objectives, {listing(values, 12)}, of which a study has one: --metric "
        "OURS=THEIRS and --objective choose another.",
    )
    return Source(
        tool="Optuna",
        name=study.study_name,
        runs=runs,
        space=space,
        guesses={} if known else {values[0]: "val_accuracy" if maximizes else "val_loss"},
        objective=known[0] if known else values[0] if n_objectives == 1 else None,
        notes=(*(notes if n_objectives > 1 else ()), *remarks),
    )


@contextmanager
def _open_storage(source: str) -> Iterator[optuna.storages.BaseStorage]:
    import optuna

    from search_spaces.adapters.optuna_files import opened

    path = find_file(source)
    if path is None:
        _check_database(source)
        yield optuna.storages.get_storage(source)
        return
    with _refusing_damage(path):
        _check_pages(path)
        with opened(path) as storage:
            yield storage


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    """Whatever else goes wrong with reading a file is an `AnalysisError`."""
    try:
        yield
    except (AnalysisError, OSError, MemoryError):
        raise
    except sqlite3.OperationalError as error:  # locked, or on a disk that fails
        raise AnalysisError(
            f"{path}: cannot be read ({error}): import it again once nobody writes into it, or from a copy"
        ) from error
    except sqlite3.DatabaseError as error:
        raise _as_damage(path, error) from error
    except Exception as error:  # SQLAlchemy's, Optuna's and those of what a damaged row holds are many
        cause = error.__cause__ or error
        said = f"{type(cause).__name__}: {cause}".partition("\n")[0]
        raise AnalysisError(
            f"{path}: damaged, or of another version of Optuna ({said}): restore it from a copy, or "
            "upgrade one with `optuna storage upgrade`"
        ) from error


def _as_damage(path: Path, found: object) -> AnalysisError:
    """What SQLite found, in one line: it may list several places."""
    return AnalysisError(f"{path}: damaged ({' '.join(str(found).split())}): restore it from a copy")


def _check_pages(path: Path) -> None:
    """Refuse a SQLite file of which a page is broken, also where all rows that are read are whole."""
    with path.open("rb") as stream:
        if stream.read(len(SQLITE)) != SQLITE:
            return
    with open_read_only(path) as connection:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise _as_damage(path, answer)


def find_file(source: str) -> Path | None:
    """The file that a source is, also by the URL of a SQLite database; None for that of a server."""
    kind, is_url, rest = source.partition(":///")
    if is_url and kind.startswith("sqlite") and not Path(source).exists():
        return Path(rest)
    return None if "://" in source and not Path(source).exists() else Path(source)


def _check_database(url: str) -> None:
    """Refuse a server's database without Optuna's tables: Optuna would make them."""
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = create_engine(url)
        is_ours = inspect(engine).has_table("version_info")
        engine.dispose()
    except ImportError as error:
        raise MissingLibraryError(f"{url}: the driver of this database is not installed: {error}") from error
    except SQLAlchemyError as error:
        first = str(error).splitlines()[0]
        raise AnalysisError(f"{url}: is no database that can be opened: {first}") from error
    if not is_ours:
        raise AnalysisError(f"{url}: is no storage of Optuna's: it has no table 'version_info'")


def _has_studies(path: Path) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'version_info'"
    try:
        with open_read_only(path) as connection:
            return connection.execute(query).fetchone() is not None
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError as error:
        raise _as_damage(path, error) from error


def _read_trial(trial: optuna.trial.FrozenTrial, values: Sequence[str]) -> ForeignRun:
    """Read a trial.

    Args:
        trial: As Optuna keeps it.
        values: What its objectives are called; only that of one alone is reported step by step.
    """
    rows = [(float(step), values[0], value) for step, value in trial.intermediate_values.items()]
    reported = sorted(trial.intermediate_values)
    for name, value in trial.user_attrs.items():
        curves = value.items() if isinstance(value, dict) else [(name, value)]
        for key, curve in curves:
            if _is_curve(curve):
                steps = _step_curve(len(curve), reported)
                rows += [(step, str(key), float(x)) for step, x in zip(steps, curve, strict=True)]
    if not reported and trial.values:
        last = max((step for step, _, _ in rows), default=0.0)
        curves_kept = {name for _, name, _ in rows}
        rows += [
            (last, name, value)
            for name, value in zip(values, trial.values, strict=True)
            if name not in curves_kept
        ]
    steps, metrics = gather(rows)
    began, ended = trial.datetime_start, trial.datetime_complete
    state = _STATES[trial.state.name]
    return ForeignRun(
        name=str(trial.number),
        params=trial.params,
        steps=steps,
        metrics=metrics,
        state=state,
        reason="recorded as failed, without a reason" if state == "failed" else None,
        started_at=began.isoformat() if began is not None else None,
        wall_s=(ended - began).total_seconds() if began is not None and ended is not None else None,
    )


def _is_curve(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(is_number(one) for one in value)


def _step_curve(n: int, reported: Sequence[int]) -> list[float]:
    """The steps of a list, which has none of its own: those that were reported, in their order.

    A list with an entry for each epoch of a trial that reported some of them alone ends with the last one.
    """
    if not reported:
        return [float(step) for step in range(n)]
    last = reported[-1]
    if len(reported) != n and last - n in (0, -1):
        return [float(step) for step in range(last - n + 1, last + 1)]
    further = range(last + 1, last + 1 + n - len(reported))
    return [float(step) for step in (*reported[:n], *further)]


def _describe_space(study: optuna.Study) -> tuple[dict[str, Any] | None, list[str]]:
    """The space as a document, None where its values must tell, and what was inferred of it, in sentences."""
    from search_spaces.adapters.optuna import from_study
    from search_spaces.errors import SpaceError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            document = from_study(study).to_document()
        except SpaceError:  # of distributions that changed while it ran
            return None, []
    remarks = [str(warning.message) for warning in caught if warning.category is UserWarning]
    return document, [f"Of the space: {remark}." for remark in remarks]
