from __future__ import annotations

import pickle

import pandas as pd

from analysis.records.loading import Study
from analysis.statistics.evidence import Evidence, gather


def test_the_same_study_has_the_same_evidence_and_evidence_is_its_own(small_study: Study) -> None:
    evidence = gather(small_study)

    assert gather(small_study) is evidence
    assert gather(evidence) is evidence


def test_evidence_takes_along_to_another_process_what_it_has_computed(small_study: Study) -> None:
    evidence = Evidence(small_study)
    ranking = evidence.ranking

    there = pickle.loads(pickle.dumps(evidence))  # noqa: S301 - ours

    assert set(vars(there)) == set(vars(evidence))
    pd.testing.assert_frame_equal(vars(there)["ranking"], ranking)
