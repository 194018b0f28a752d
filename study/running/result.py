"""What a study came to: its directory, its tables, its best setting and model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.words.numbers import NONE, count
from study.errors import ALL_FAILED, StudyError
from study.store.directory import StudyDirectory

if TYPE_CHECKING:
    import pandas as pd

    import analysis
    from study.prediction.classifier import TextClassifier

CLOSING_FINDINGS = (
    "blindness",
    "validated-on-test",
    "amounts",
    "conclusion",
    "confirmation",
    "best",
    "onset",
    "levels",
    "settings",
    "baseline",
    "next",
)
"""What a person wants to know at once; the report has the rest."""

_OPEN = "interrupted"
_ENDS = {"done": None, _OPEN: "interrupted, or running now"}
"""What a manifest's `outcome` says of a leg; of one that was stopped it says by what."""


@dataclass(frozen=True, repr=False)
class StudyResult:
    """A study after one of its legs; `os.fspath` of it is its directory.

    Tables are read when they are first asked for, and stay as they were then.

    Attributes:
        directory: Where everything lies.
        report: The report's page; None where a signal ended the leg.
        interruption: Why it ended before the search did; None where the search is done.
        stop_signal: The signal that ended it, if one did.
        n_failed: Replicates that failed, diverged or took too long.
        missing: What of the report, or of the lines to beat, could not be made.
        n_ended: Replicates that ended, whichever way.
    """

    directory: StudyDirectory
    report: Path | None
    interruption: str | None
    stop_signal: int | None
    n_failed: int
    missing: tuple[str, ...] = ()
    n_ended: int = 0

    def __fspath__(self) -> str:
        return str(self.directory.path)

    @property
    def exit_status(self) -> int:
        """What the command line ends with, of `study.errors.EXIT_STATUSES`."""
        if self.stop_signal is not None:
            return 128 + self.stop_signal
        if self.n_failed and self.n_failed == self.n_ended:
            return ALL_FAILED
        return 1 if self.n_failed or self.missing else 0

    @property
    def path(self) -> Path:
        """The study's directory."""
        return self.directory.path

    @cached_property
    def study(self) -> analysis.Study:
        """The records as tables, for `analysis` and its figures."""
        import analysis

        return analysis.load(self.path)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name

    @property
    def trials(self) -> pd.DataFrame:
        """One row per replicate of a trial, as in `trials.parquet`."""
        return self.study.trials

    @property
    def epochs(self) -> pd.DataFrame:
        """One row per replicate and epoch, as in `epochs.parquet`."""
        return self.study.epochs

    @property
    def best_params(self) -> dict[str, Any]:
        """The setting with the best mean objective over its completed replicates of the search.

        Raises:
            StudyError: If no run completed.
        """
        from analysis.records.read_only import open_read_only

        setting = int(self._best["setting"])
        with open_read_only(self.directory.records) as connection:
            row = connection.execute("SELECT params FROM attempts WHERE trial = ? LIMIT 1", (setting,))
            params: dict[str, Any] = json.loads(row.fetchone()[0])
        return params

    @property
    def best_score(self) -> float:
        """The mean objective of `best_params` over its completed replicates of the search.

        Raises:
            StudyError: If no run completed.
        """
        return float(self._best["mean"])

    @cached_property
    def _best(self) -> pd.Series[Any]:
        from analysis.statistics.evidence import gather

        ranking = gather(self.study).ranking
        if ranking.empty:
            raise StudyError(
                f"the best setting is one of those that were trained to their end: in {self.path} none was; "
                "go on with study.resume, or see `trials` for the reasons"
            )
        return ranking.iloc[0]

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """What the study found, as the command line says it at the end: the report has all of it."""
        import analysis

        found = analysis.summarize(self.study)
        return tuple(finding.text for finding in found if finding.kind in CLOSING_FINDINGS)

    def best_model(self) -> TextClassifier:
        """Open the kept model with the best score; it classifies texts with `predict`.

        Raises:
            StudyError: If no model was kept.
            IntegrityError: If a file of it is damaged.
        """
        from study.prediction.classifier import TextClassifier

        return TextClassifier.open(self.path)

    def __repr__(self) -> str:
        return f"<StudyResult {self.path}: {self._say_runs()}; {self._say_best()}; {self._say_end()}>"

    def _repr_html_(self) -> str:
        from analysis.words.html import write_card

        rows = [
            ("runs", self._say_runs()),
            ("best", self._say_best()),
            ("directory", str(self.path)),
            ("report", NONE if self.report is None else str(self.report)),
            ("state", self._say_end()),
        ]
        return write_card(self.name, rows, self.findings)

    def _say_runs(self) -> str:
        failed = f", {self.n_failed:,} of them failed" if self.n_failed else ""
        return f"{count(len(self.trials), 'run')}{failed}"

    def _say_best(self) -> str:
        try:
            return f"best {self.study.facts.objective} {self.best_score:.4f}: {self._best['label']}"
        except StudyError:
            return "no run completed"

    def _say_end(self) -> str:
        return (
            "done" if self.interruption is None else f"not done ({self.interruption}): study.resume goes on"
        )


def open_result(path: Path) -> StudyResult:
    """Return what the study in a directory has come to, which may still be running.

    Raises:
        StudyError: If there is no study.
        IntegrityError: If its manifest is damaged.
    """
    import analysis
    from study.store.manifest import Manifest

    directory = StudyDirectory(path).require()
    legs = Manifest.open(directory).content["legs"]
    outcome = legs[-1].get("outcome", _OPEN) if legs else "nothing has been trained yet"
    states = analysis.load(path).trials["state"]
    page = directory.report / "index.html"
    return StudyResult(
        directory=directory,
        report=page if page.is_file() else None,
        interruption=_ENDS.get(outcome, outcome.removeprefix("stopped: ")),
        stop_signal=None,
        n_failed=int(states.isin(["failed", "diverged", "timeout"]).sum()),
        n_ended=int((states != "running").sum()),
    )
