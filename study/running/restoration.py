"""Optuna's storage, made again from the records: what was suggested, and what became of it."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import AnalysisError
from study.errors import StudyError
from study.search.suggestions import Answered, Suggestions
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.store.files import write_atomically
from study.store.ledger import Ledger, Outcome
from study.store.manifest import Manifest

if TYPE_CHECKING:
    from study.search.warm_start import Known


def restore_search(directory: StudyDirectory) -> list[str]:
    """Put a new storage in place of one that is damaged or missing; only the directory's holder may.

    Each suggestion that left a record is open again, and the search tells it as any later leg would: values,
    what was stopped at which epoch, and what failed come from the records, what runs is still to be told.

    Returns:
        What could not be made as it was, a sentence each.

    Raises:
        StudyError: If the records or the spec cannot be read either.
    """
    from study.running.verbs import read_spec
    from study.search.search import Search

    spec = read_spec(directory)
    with (
        closing(Ledger.open(directory.records)) as ledger,
        tempfile.TemporaryDirectory(prefix="study-search-") as folder,
    ):
        storage = Path(folder) / directory.search.name
        answered = list_answered(ledger.outcomes(), spec.seeds)
        known, said = _gather_known(spec, directory)
        is_planned = spec.design.plan(spec.space, spec.seed) is not None
        with closing(Suggestions(spec, storage, is_planned=is_planned)) as suggestions:
            if answered:
                suggestions.restore(answered, known)
        Search(spec, ledger, storage).close()  # which tells
        # A journal would be taken for one of the new file.
        directory.search.with_name(f"{directory.search.name}-journal").unlink(missing_ok=True)
        write_atomically(directory.search, storage.read_bytes())
    return [
        *said,
        "Optuna's storage is new: suggestions that broke a constraint or were never begun left no record, "
        "and repeats of a setting stand where there was room for them.",
    ]


def list_answered(outcomes: Sequence[Outcome], n_seeds: int) -> list[Answered]:
    """Return the suggestions that the runs of a search answer, in the order of trials and replicates.

    Each stands for as many replicates as there are seeds; of a study that was extended by seeds, which of
    them answered which of several suggestions of one setting is not known any more.
    """
    params, last = {}, defaultdict[int, int](int)
    for outcome in outcomes:
        assignment = outcome.assignment
        if assignment.phase == "search":
            params[assignment.trial] = assignment.params
            last[assignment.trial] = max(last[assignment.trial], assignment.replicate)
    return [
        Answered(params[trial], trial, first)
        for trial in sorted(params)
        for first in range(1, last[trial] + 1, n_seeds)
    ]


def _gather_known(spec: StudySpec, directory: StudyDirectory) -> tuple[Sequence[Known], list[str]]:
    """Read what samplers knew of earlier studies, if these are still there."""
    from study.search.warm_start import gather_warm_start

    if not spec.warm_start:
        return (), []
    try:
        start = gather_warm_start(spec, Manifest.open(directory).content["data"])
    except (StudyError, AnalysisError) as error:
        return (), [f"What earlier studies had found is not known any more: {error}"]
    return start.known, [
        "What earlier studies had found was read from them again, as they are now; their settings that were "
        "not proposed yet will not be."
    ]
