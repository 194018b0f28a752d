"""The lines to beat of a study: when they are wanted, and how they are drawn."""

from __future__ import annotations

from analysis.records.lines import Line
from analysis.report.faults import Faults
from study.data import EncodedCorpus
from study.running.publication import get_ready
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.store.manifest import Manifest
from study.training.class_weights import class_weights_of


def lacks_lines(ledger: Ledger, manifest: Manifest) -> bool:
    """Whether there is a split that runs may answer and no line to beat does."""
    return not ledger.has_lines("test" if manifest.has_opened_test else "validation")


def draw_lines(spec: StudySpec, encoded: EncodedCorpus, faults: Faults, open_test: bool) -> list[Line]:
    """Fit the lines to beat under the class weights of the study, and load what a report needs."""
    from study.data.cache import default_cache_folder
    from study.training.baselines import fit_lines

    weights = class_weights_of(spec)
    folder = default_cache_folder()
    lines = fit_lines(encoded, folder, faults.add, class_weights=weights, open_test=open_test)
    get_ready()
    return lines
