"""One of something is, several are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis.report.chapters import verdict
from analysis.report.chapters.audited import read_audit


@pytest.mark.parametrize(("n", "said"), [(1, "1 run was cut short"), (2, "2 runs were cut short")])
def test_runs_that_were_cut_short_are_counted_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, n: int, said: str
) -> None:
    monkeypatch.setattr(verdict, "read_turns", lambda _: "")
    evidence: Any = SimpleNamespace(searched=pd.DataFrame({"state": ["pruned"] * n + ["completed"]}))
    assert verdict._read_early(evidence).startswith(said)


@pytest.mark.parametrize(("n", "said"), [(1, "1 was audited;"), (2, "2 were audited;")])
def test_audited_runs_are_counted_in_a_sentence(n: int, said: str) -> None:
    evidence: Any = SimpleNamespace(
        audit_summary=pd.DataFrame({"n_audited": [n], "n_pruned": [3], "n_finished": [0]})
    )
    assert said in read_audit(evidence)
