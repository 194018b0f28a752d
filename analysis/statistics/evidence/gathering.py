"""All statistics of a study in one object, the same one for whoever asks."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from analysis.records.loading import Study, as_study
from analysis.records.paths import AnyPath
from analysis.statistics.evidence.amounts import Amounts
from analysis.statistics.evidence.confirmed import Confirmed
from analysis.statistics.evidence.curves import Curves
from analysis.statistics.evidence.lines import Lines
from analysis.statistics.evidence.mistakes import Mistakes
from analysis.statistics.evidence.search import Search


class Evidence(Amounts, Confirmed, Curves, Lines, Mistakes, Search):
    """The statistics of one study: each class computes those of its subject from those that it stands on."""


AnyStudy: TypeAlias = Study | Evidence | AnyPath
"""A study, what was gathered of it, or its directory."""


@lru_cache(maxsize=4)
def _remember(study: Study) -> Evidence:
    return Evidence(study)


def gather(study: AnyStudy) -> Evidence:
    """The evidence of a study, the same object for the same study; evidence is its own.

    Raises:
        AnalysisError: If a path is given that leads to no study, or something else.
    """
    return study if isinstance(study, Evidence) else _remember(as_study(study))
