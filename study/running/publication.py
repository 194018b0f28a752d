"""The publication of a study: tables, report and Optuna's view of it, derived from its records."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analysis.errors import AnalysisError, UnwritableError
from analysis.report.faults import Faults
from study.errors import EnvironmentFaultError, StudyError
from study.store.directory import StudyDirectory

if TYPE_CHECKING:
    from analysis import Study
    from study.data import Corpus, EncodedCorpus
    from study.store.ledger import Ledger

T = TypeVar("T")


def publish(
    directory: StudyDirectory,
    faults: Faults | None = None,
    on_read: Callable[[Study], None] = lambda study: None,
) -> Path | None:
    """Write tables, `optuna.db` and report; all can be made again at any time.

    What of them cannot be made is said in its place, and in `analysis.report.faults.FAULTS_FILE`.

    Args:
        directory: The study's.
        faults: What could not be made before; what cannot be made here is added.
        on_read: Adds to the records what only a leg can, which has the texts at hand.

    Returns:
        The report's page, None where it cannot be made at all.

    Raises:
        EnvironmentFaultError: If they cannot be written.
        AnalysisError: If the records are damaged.
    """
    import analysis

    faults = Faults() if faults is None else faults
    study = analysis.load(directory.path)
    try:
        _attempt("the texts that are got wrong", lambda: on_read(study), faults)
        _attempt("optuna.db", lambda: export_search(directory), faults)
        _attempt("the tables as parquet", lambda: analysis.write_parquet(study, directory.path), faults)
        page = _attempt(
            "the report", lambda: analysis.write_report(study, directory.report, faults=faults), faults
        )
        if page is None:
            faults.write(directory.report)
        return page
    except (OSError, UnwritableError, EnvironmentFaultError) as error:
        fault: BaseException = error
        while fault.__cause__ is not None:
            fault = fault.__cause__  # the disk's own words
        said = fault.strerror if isinstance(fault, OSError) else " ".join(str(fault).split())
        raise EnvironmentFaultError(
            f"cannot write the tables and the report of {directory.path}: {said}; every "
            "run that ended is recorded: make room, then run it again"
        ) from error


def _attempt(what: str, make: Callable[[], T], faults: Faults) -> T | None:
    """Return what `make` returns, or note what it raises: the records are whole, and worth more.

    A disk that takes nothing, and damage, are no such faults.
    """
    try:
        return make()
    except (OSError, AnalysisError, StudyError):
        raise
    except Exception as error:  # a fault of ours, or of a library's
        faults.add(what, error)
        return None


def keep_texts(study: Study, ledger: Ledger, corpus: Corpus, encode: Callable[[], EncodedCorpus]) -> None:
    """Record what the report tells of the best setting's texts, unless the records have it.

    Args:
        study: As it was read.
        ledger: Its records.
        corpus: The texts.
        encode: Gives them as ids, when they are needed.
    """
    from analysis.statistics.evidence import gather
    from study.data import TRAIN_SIZE, take_texts
    from study.data.excerpts import view_texts

    evidence = gather(study)
    if evidence.judgements is None:
        return
    rows = evidence.shown_rows
    try:
        kept = evidence.text_view
    except AnalysisError:
        kept = None  # broken, and made again
    if kept is not None and sorted(kept.excerpts) == rows:
        return
    examined = evidence.examined.iloc[0]
    names = [name for name in ("vocab_size", "sequence_length", TRAIN_SIZE) if name in examined]
    params = {name: int(examined[name]) for name in names}
    encoded = take_texts(encode(), params, int(examined["seed"]))
    ledger.record_texts(params, view_texts(corpus, encoded, params, rows))


def export_search(directory: StudyDirectory) -> Path:
    """Bring `optuna.db` up to date with the records, which may be written meanwhile; return its path.

    Raises:
        EnvironmentFaultError: If it cannot be written.
    """
    from study.search.optuna_export import export_optuna
    from study.store.outcomes import read_outcomes

    spec = directory.read_spec()
    with read_outcomes(directory.records) as records:
        export_optuna(spec, records, directory.optuna)
    return directory.optuna


def get_ready() -> None:
    """Load what a report needs, which takes a second, where nobody waits for it."""
    import_module("analysis.report.write")
