"""One of something is, several are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis.plots.overfitting import draw_levels
from analysis.plots.style import styled
from analysis.report.chapters import verdict
from analysis.report.chapters.audited import read_audit
from analysis.report.chapters.overfit import read_onsets
from analysis.statistics.verdicts import IN_FEW_SETTINGS
from analysis.words.labels import label_setting


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


@pytest.mark.parametrize(
    ("onsets", "said"),
    [
        ([3, None, None], "1 of 3 completed runs begins to overfit after epoch 3."),
        ([3, 3, None], "2 of 3 completed runs begin to overfit after epoch 3 (median)."),
    ],
)
def test_runs_that_overfit_are_counted_in_a_sentence(onsets: list[int | None], said: str) -> None:
    keys = {"trial": [0, 1, 2], "phase": "search", "replicate": 1}
    ran = pd.DataFrame(
        {
            **keys,
            "onset_epoch": pd.array(onsets, dtype="Int64"),
            "loss_overfits": [n is not None for n in onsets],
            "n_epochs": 6,
        }
    )
    evidence: Any = SimpleNamespace(
        completed=pd.DataFrame({**keys, "val_loss_last": 1.0}),
        overfitting=ran,
        of_search="",
        facts=SimpleNamespace(max_epochs=6),
    )
    assert read_onsets(evidence) == said


@pytest.mark.parametrize(("n", "said"), [(1, "1 of 9 comparisons holds"), (2, "2 of 9 comparisons hold")])
def test_verdicts_of_some_company_are_counted_in_a_sentence(n: int, said: str) -> None:
    notes = [IN_FEW_SETTINGS] * n + [""] * (9 - n)
    assert verdict._read_company(pd.DataFrame({"note": notes})).startswith(said)


def test_a_setting_of_one_unit_and_one_word_is_named_so() -> None:
    params = {"units": 1, "vocab_size": 1, "sequence_length": 2}
    assert label_setting(params, params) == "1 unit, 1 word, 2 tokens"


def test_tips_of_marks_count_as_sentences_do() -> None:
    table = pd.DataFrame(
        {"factor": ["cell"], "level": ["gru"], "mean": [1.0], "low": [0.5], "n_settings": [1]}
    )
    with styled():
        figure = draw_levels(table.assign(high=1.5, statistic="mean"), [("mean", "mean")])
    (marks,) = [part for part in figure.axes[0].collections if part.get_urls()[0]]
    assert str(marks.get_urls()[0]).endswith(", 1 setting")
