"""`optuna.db`: the search as Optuna would store it, for optuna-dashboard and other tools of Optuna's.

It is made from the records, and nothing reads it but its notes: what a person wrote there, or a tool of
theirs, is kept by its trial when the file is made anew.
"""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.records.read_only import open_read_only
from study.designs import Stratum
from study.errors import StudyError
from study.search.optuna_study import (
    directions_of,
    lies_in,
    make_known_trial,
    make_trial,
    objectives_of,
    strata_of,
)
from study.search.proposals import Proposal, Proposals
from study.search.warm_start import WarmStart
from study.spec.schema import StudySpec
from study.store.database import check_database, database_faults
from study.store.files import disk_faults, write_atomically
from study.store.outcomes import Outcomes

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

TRIAL = "trial"
"""Our attribute of Optuna's trials: the number of the trial."""

REPLICATES = "replicates"
"""Those that answer it: a setting that was proposed again has further ones."""

SOURCE = "source"
"""The study and setting that a trial was learned from, `quick/3`."""

_OURS = {TRIAL, REPLICATES, SOURCE, "replicate_of", "amends", "epochs", "loaded", "warmed", "infeasible"}
"""Attributes that this release sets, and those that earlier ones set, which kept their search in the file."""

_FOREIGN = re.compile(r"(?P<kind>dashboard:(artifacts:)?|artifacts:)(?:(?P<trial_id>\d+)(?=:))?(?P<rest>.*)")
"""System attributes that are not Optuna's own; in a study's, dashboards name trials by their identity."""

_COLUMNS = {
    "trials": "trial_id, number, study_id, state, datetime_start, datetime_complete",
    "trial_params": "trial_id, param_name, param_value, distribution_json",
    "trial_values": "trial_id, objective, value, value_type",
    "trial_intermediate_values": "trial_id, step, intermediate_value, intermediate_value_type",
    "trial_user_attributes": "trial_id, key, value_json",
    "trial_system_attributes": "trial_id, key, value_json",
    "study_user_attributes": "study_id, key, value_json",
    "study_system_attributes": "study_id, key, value_json",
}
"""What is put into Optuna's tables; to store each trial through Optuna takes a hundred times as long."""

Rows = dict[str, list[tuple[Any, ...]]]
"""Rows of Optuna's tables."""

Trials = Mapping[str, Sequence["optuna.trial.FrozenTrial"]]
"""The trials of each study of Optuna's, by its name."""


def export_optuna(spec: StudySpec, records: Outcomes, path: Path) -> None:
    """Write the search to a database of Optuna's; readers see the old or the new.

    A database that is there gets the new content in one transaction, so that a dashboard that has it open
    goes on; where there is none, or a damaged one, the new file takes its place.

    Args:
        spec: What the study asks.
        records: What it came to.
        path: Where to write.

    Raises:
        EnvironmentFaultError: If it cannot be written.
    """
    rows = _make_rows(list_trials(spec, records))
    # Whatever fails from here on is the new file's: the records may still be open for reading.
    with database_faults(path), _new_database(spec) as db:
        _insert(db, rows)
        try:
            check_database(path)
            with disk_faults(path), database_faults(path), open_read_only(path) as earlier:
                _insert(db, _carry_over(earlier, db))
        except (StudyError, ValueError) as error:
            if path.exists():
                logger.warning("%s is made anew, without the notes in it: %s", path, error)
            # It would be taken for one of the new file.
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
            write_atomically(path, db.serialize())
            return
        with database_faults(path), closing(sqlite3.connect(path, timeout=30.0)) as target:
            db.backup(target)


def list_trials(spec: StudySpec, records: Outcomes) -> Trials:
    """Return the trials of a search as Optuna has them, by the name of its study."""
    strata = strata_of(spec)
    proposals = Proposals(records.outcomes(), spec.seeds, records.given_up).in_order()
    document = records.warm_start
    known = () if document is None else WarmStart.from_document(document).known
    sign = 1.0 if records.facts.maximizes else -1.0

    def list_of(stratum: Stratum) -> Iterator[optuna.trial.FrozenTrial]:
        for setting in known:
            if lies_in(stratum, setting.params):
                learned = make_known_trial(stratum.space, setting, user_attrs={SOURCE: setting.source})
                learned.datetime_start = learned.datetime_complete = None
                yield learned
        for proposal in proposals:
            if lies_in(stratum, proposal.params):
                result = proposal.conclude(objectives_of(spec), sign, records.measure)
                attributes = {TRIAL: proposal.trial, REPLICATES: list(proposal.replicates)}
                trial = make_trial(
                    stratum.space, proposal.params, result, result.curve, user_attrs=attributes
                )
                trial.datetime_start, trial.datetime_complete = _times_of(proposal, trial.state.is_finished())
                yield trial

    return {name_of(spec, stratum, len(strata)): list(list_of(stratum)) for stratum in strata}


def follows_from(spec: StudySpec, trials: Trials, path: Path) -> bool:
    """Whether a file holds these trials, whatever others noted in it.

    Raises:
        StudyError: If it cannot be read.
    """
    with _new_database(spec) as db, database_faults(path), open_read_only(path) as found:
        _insert(db, _make_rows(trials))
        return _read_ours(found) == _read_ours(db)


def name_of(spec: StudySpec, stratum: Stratum, n_strata: int) -> str:
    """Return the name of a stratum's study."""
    return f"{spec.name}: {stratum.name}" if n_strata > 1 else spec.name


def _times_of(proposal: Proposal, is_finished: bool) -> tuple[datetime | None, datetime | None]:
    """Return when the first of its runs was handed out and when the last ended, as far as is known."""
    begun = [
        (datetime.fromisoformat(o.started_at).astimezone(UTC).replace(tzinfo=None), o.wall_s or 0.0)
        for o in proposal.outcomes
        if o.started_at is not None
    ]
    if not begun:
        return None, None
    end = max(start + timedelta(seconds=wall_s) for start, wall_s in begun)
    return min(start for start, _ in begun), end if is_finished else None


@contextmanager
def _new_database(spec: StudySpec) -> Iterator[sqlite3.Connection]:
    """Give a database in memory, with Optuna's tables and an empty study for each stratum."""
    strata = strata_of(spec)
    names = tuple(name_of(spec, stratum, len(strata)) for stratum in strata)
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(_empty_database(names, objectives_of(spec), tuple(directions_of(spec))))
        yield db


@cache
def _empty_database(
    names: tuple[str, ...], objectives: tuple[str, ...], directions: tuple[str, ...]
) -> bytes:
    """Return Optuna's tables with these studies in them; Optuna takes half a second to make them.

    It is given the connection itself: a path would have to travel in a URL.
    """
    import optuna
    from sqlalchemy.pool import StaticPool

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as db:
        engine = {"creator": lambda: db, "poolclass": StaticPool}
        # What was made this moment need not be looked at whether it is of this release.
        storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs=engine, skip_compatibility_check=True)
        for name in names:
            made = optuna.create_study(storage=storage, study_name=name, directions=directions)
            with warnings.catch_warnings(category=optuna.exceptions.ExperimentalWarning, action="ignore"):
                made.set_metric_names(list(objectives))
        storage.remove_session()
        return db.serialize()


def _make_rows(trials: Trials) -> Rows:
    """Return the rows of trials; studies have their numbers in order, from 1."""
    from optuna.distributions import distribution_to_json

    rows: Rows = {table: [] for table in _COLUMNS}
    trial_id = 0
    for study_id, of_study in enumerate(trials.values(), start=1):
        for number, trial in enumerate(of_study):
            trial_id += 1
            times = (_write_time(trial.datetime_start), _write_time(trial.datetime_complete))
            rows["trials"].append((trial_id, number, study_id, trial.state.name, *times))
            rows["trial_params"] += [
                (trial_id, name, d.to_internal_repr(trial.params[name]), distribution_to_json(d))
                for name, d in trial.distributions.items()
            ]
            rows["trial_values"] += [(trial_id, i, v, "FINITE") for i, v in enumerate(trial.values or ())]
            rows["trial_intermediate_values"] += [
                (trial_id, step, value, "FINITE") for step, value in trial.intermediate_values.items()
            ]
            rows["trial_user_attributes"] += [
                (trial_id, key, json.dumps(value)) for key, value in trial.user_attrs.items()
            ]
    return rows


def _carry_over(earlier: sqlite3.Connection, db: sqlite3.Connection) -> Rows:
    """Return what others noted in an earlier file as rows of the new one."""
    new_ids = {key: trial_id for trial_id, key in _read_keys(db).items()}
    trial_ids = {old: new_ids[key] for old, key in _read_keys(earlier).items() if key in new_ids}
    names = dict(db.execute("SELECT study_name, study_id FROM studies"))
    study_ids = {
        study_id: names[name]
        for study_id, name in earlier.execute("SELECT study_id, study_name FROM studies")
        if name in names
    }
    rows: Rows = {}
    for owner, ids in (("trial", trial_ids), ("study", study_ids)):
        for kind in ("user", "system"):
            table = f"{owner}_{kind}_attributes"
            found = earlier.execute(f"SELECT {_COLUMNS[table]} FROM {table}").fetchall()  # noqa: S608 - ours
            rows[table] = [
                (ids[number], new_key, value)
                for number, key, value in found
                if number in ids and (new_key := _carry_key(key, kind, trial_ids)) is not None
            ]
    return rows


def _carry_key(key: str, kind: str, trial_ids: Mapping[int, int]) -> str | None:
    """Return what another's attribute is called in the new file, None for Optuna's and ours."""
    if kind == "user":
        return None if key in _OURS else key
    match = _FOREIGN.fullmatch(key)
    if match is None or match["trial_id"] is None:
        return key if match else None
    new = trial_ids.get(int(match["trial_id"]))
    return None if new is None else f"{match['kind']}{new}{match['rest']}"


def _read_keys(db: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Return by what each trial is found again in another file: its study, and what it stands for."""
    attributes: dict[int, dict[str, Any]] = defaultdict(dict)
    for trial_id, key, value in db.execute("SELECT trial_id, key, value_json FROM trial_user_attributes"):
        if key in _OURS:
            attributes[trial_id][key] = json.loads(value)
    return {
        trial_id: (study, _stand_for(number, attributes[trial_id]))
        for trial_id, number, study in db.execute(
            "SELECT trial_id, number, study_name FROM trials JOIN studies USING (study_id)"
        )
    }


def _stand_for(number: int, attributes: Mapping[str, Any]) -> str:
    source = attributes.get(SOURCE) or attributes.get("loaded")
    if source is not None:
        return str(source)
    if TRIAL in attributes:
        return f"{attributes[TRIAL]}:{attributes[REPLICATES][0]}"
    # Earlier releases noted only what did not go by itself: a trial of Optuna's was that of its number.
    trial, first = attributes.get("replicate_of") or (number, 1)
    return "" if "amends" in attributes else f"{trial}:{first}"


def _read_ours(db: sqlite3.Connection) -> list[list[tuple[Any, ...]]]:
    """Return all that a file holds, but for what others noted."""
    tables = ["studies", "study_directions", *(t for t in _COLUMNS if not t.endswith("attributes"))]
    read = [sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=str) for table in tables]  # noqa: S608
    attributes = db.execute("SELECT trial_id, key, value_json FROM trial_user_attributes")
    return [*read, sorted(row for row in attributes if row[1] in _OURS)]


def _insert(db: sqlite3.Connection, rows: Rows) -> None:
    for table, of_table in rows.items():
        placeholders = ", ".join("?" * len(_COLUMNS[table].split(",")))
        db.executemany(f"INSERT INTO {table} ({_COLUMNS[table]}) VALUES ({placeholders})", of_table)  # noqa: S608
    db.commit()


def _write_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(sep=" ", timespec="microseconds")
