"""What a study's records say, each statistic computed once and kept: figures and sentences share it."""

from analysis.statistics.evidence.gathering import AnyStudy, Evidence, gather
from analysis.statistics.evidence.mistakes import N_SHOWN

__all__ = ["N_SHOWN", "AnyStudy", "Evidence", "gather"]
