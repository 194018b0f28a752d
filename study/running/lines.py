"""The lines to beat of a study: fitted beside its last runs, where CPUs are idle, or when these are done."""

from __future__ import annotations

from collections.abc import Callable

from analysis.records.lines import Line
from analysis.report.faults import Faults
from study.data import TRAIN_SIZE, EncodedCorpus
from study.machine.background import Background
from study.running.listener import Listener
from study.running.publication import get_ready
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.store.manifest import Manifest
from study.training.class_weights import class_weights_of


class LinesToBeat:
    """Those that the records lack.

    Args:
        spec: What the study asks.
        ledger: Takes them.
        manifest: Says whether the test split is open.
        encode: Gives the texts as ids.
        faults: What could not be made before; what cannot be made here is added.
        listener: Hears what is fitted, and what cannot be.
    """

    def __init__(
        self,
        spec: StudySpec,
        ledger: Ledger,
        manifest: Manifest,
        encode: Callable[[], EncodedCorpus],
        faults: Faults,
        listener: Listener,
    ) -> None:
        self._spec, self._ledger, self._manifest = spec, ledger, manifest
        self._encode, self._faults, self._listener = encode, faults, listener
        self._lines = Background(lambda: draw_lines(spec, encode(), faults, manifest.has_opened_test))

    @property
    def _are_lacking(self) -> bool:
        """Whether there is a split that runs may answer and no line to beat does."""
        return not self._ledger.has_lines("test" if self._manifest.has_opened_test else "validation")

    def begin(self) -> None:
        """Begin to fit them, in the background: the last runs leave CPUs idle."""
        if self._are_lacking:
            self._lines.begin()

    def record(self) -> None:
        """Record them, on all texts and on fewer where runs were trained on these; wait for them."""
        if self._are_lacking:
            self._listener.on_stage("fitting the lines to beat")
            self._ledger.record_lines(
                self._faults.attempt("the lines to beat", self._lines.result, lambda _: [])
            )
            for what in self._faults.traces:
                self._listener.on_warning(f"could not be made, and is left out of the report: {what}")
        self._record_by_amount()

    def _record_by_amount(self) -> None:
        """Record those on the texts that runs were trained on, where these were not all."""
        if TRAIN_SIZE not in self._spec.space.parameters:
            return
        from study.data.cache import default_cache_folder
        from study.training.lines_by_amount import fit_lines_by_amount, list_amounts

        known = self._ledger.amounts_with_lines()
        amounts = list_amounts(outcome.assignment for outcome in self._ledger.outcomes())
        if new := [amount for amount in amounts if amount not in known]:
            self._listener.on_stage("fitting the lines to beat on fewer texts")
            lines = self._faults.attempt(
                "the lines to beat on fewer texts",
                lambda: fit_lines_by_amount(self._encode(), new, default_cache_folder(), self._faults.add),
                lambda _: [],
            )
            self._ledger.record_lines_by_amount(lines)


def draw_lines(spec: StudySpec, encoded: EncodedCorpus, faults: Faults, open_test: bool) -> list[Line]:
    """Fit the lines to beat under the class weights of the study, and load what a report needs."""
    from study.data.cache import default_cache_folder
    from study.training.baselines import fit_lines

    weights = class_weights_of(spec)
    folder = default_cache_folder()
    lines = fit_lines(encoded, folder, faults.add, class_weights=weights, open_test=open_test)
    get_ready()
    return lines
