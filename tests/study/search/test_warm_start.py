from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.errors import StudyError
from study.search.search import Search
from study.search.warm_start import WarmStart, check_sources, gather_warm_start
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from tests.study.pretend.small_study import (
    SMALL_SPACE,
    OpenStudy,
    begin,
    list_told,
    make_facts,
    make_spec,
    train_all,
)

DATA = {"fingerprint": "abc", "split_fingerprint": "def"}
DESIGN = {"kind": "search", "trials": 12, "scheduler": "none"}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A finished grid over three cells and two directions; `rnn` in both directions is its best."""
    return train_earlier(tmp_path / "earlier", make_spec(name="earlier"))


def train_earlier(folder: Path, spec: StudySpec) -> Path:
    folder.mkdir()
    (folder / "study.yaml").write_text("name: earlier\n")
    (folder / "manifest.json").write_text(json.dumps({"data": DATA, "legs": []}))
    facts = make_facts(spec).model_copy(update={"spec": spec.to_document()})
    ledger = Ledger.create(folder / "records.db", facts, np.array([0, 1, 0, 1]))
    train_all(Search(spec, ledger), ledger)
    ledger.close()
    return folder


def start_of(earlier: Path, prints: dict[str, str] = DATA, **changes: Any) -> tuple[StudySpec, WarmStart]:
    spec = make_spec(**({"design": DESIGN, "warm_start": [str(earlier)]} | changes))
    return spec, gather_warm_start(spec, prints)


def test_the_best_settings_of_an_earlier_study_are_proposed_first(
    open_study: OpenStudy, earlier: Path
) -> None:
    spec, start = start_of(earlier)
    _, ledger = open_study(spec)
    search = Search(spec, ledger, start)

    handed_out = train_all(search, ledger)

    assert [a.params for a in handed_out[:3]] == list(start.proposals[:3])  # a quarter of twelve
    assert (start.proposals[0]["cell"], start.proposals[0]["bidirectional"]) == ("rnn", True)
    assert len(handed_out) == 12
    assert sorted({a.trial for a in handed_out}) == list(range(len({a.trial for a in handed_out})))


def test_where_all_agrees_the_sampler_learns_from_them_and_they_count_for_nothing_else(
    open_study: OpenStudy, earlier: Path
) -> None:
    spec, start = start_of(earlier)
    _, ledger = open_study(spec)
    search = Search(spec, ledger, start)

    handed_out = train_all(search, ledger)

    (told,) = list_told(search)
    assert [t.value for t in told[: len(start.known)]] == [k.value for k in start.known]
    assert len(told) == len(start.known) + 12
    assert len(handed_out) == len(ledger.outcomes()) == 12


@pytest.mark.parametrize("n_done", [0, 1, 4])
def test_a_later_leg_begins_nothing_again(open_study: OpenStudy, earlier: Path, n_done: int) -> None:
    spec, start = start_of(earlier)
    _, ledger = open_study(spec)
    search = Search(spec, ledger, start)
    before = [begin(search, ledger) for _ in range(n_done)]  # the process dies while they train
    ledger.close()

    _, ledger = open_study(spec)
    search = Search(spec, ledger, start)
    after = train_all(search, ledger)

    keys = [(a.trial, a.replicate) for a in after]
    assert set(keys[:n_done]) == {(a.trial, a.replicate) for a in before}
    assert [a.params for a in after if a.replicate == 1][:3] == list(start.proposals[:3])
    assert len(set(keys)) == len(after) == 12


@pytest.mark.parametrize(
    ("prints", "changes"),
    [
        (DATA | {"split_fingerprint": "other"}, {}),
        (DATA, {"objective": "val_loss"}),
        (DATA, {"training": {"max_epochs": 4}}),
        (DATA, {"data": {"split_seed": 5}}),
    ],
)
def test_where_something_differs_the_sampler_is_told_nothing(
    earlier: Path, prints: dict[str, str], changes: dict[str, Any]
) -> None:
    _, start = start_of(earlier, prints, **changes)

    assert len(start.proposals) == 6
    assert start.known == []
    assert "does not learn from them" in start.said[0]


def test_settings_that_are_not_legal_here_are_left_out_and_counted(earlier: Path) -> None:
    _, start = start_of(earlier, space=SMALL_SPACE | {"cell": ["lstm", "gru"]})

    assert {p["cell"] for p in start.proposals} == {"lstm", "gru"}
    assert "4 settings that completed are legal in this space, 2 are not" in start.said[0]
    assert start.known == []


def test_levels_in_question_begin_with_their_own_settings(open_study: OpenStudy, earlier: Path) -> None:
    spec, start = start_of(earlier, design=DESIGN | {"scientific": ["cell"]})
    _, ledger = open_study(spec)
    search = Search(spec, ledger, start)

    handed_out = train_all(search, ledger)

    assert [a.params["cell"] for a in handed_out].count("rnn") == 4
    for cell in ("rnn", "lstm", "gru"):
        first = next(a for a in handed_out if a.params["cell"] == cell)
        assert first.params == next(p for p in start.proposals if p["cell"] == cell)


def test_values_survive_a_column_with_missing_ones(tmp_path: Path) -> None:
    space: dict[str, Any] = {
        "parameters": {
            "cell": ["rnn", "lstm"],
            "bidirectional": [False, True],
            "units": {"low": 8, "high": 9},
        },
        "conditions": {"units": "cell == 'lstm'"},
    }
    space["parameters"] = SMALL_SPACE | space["parameters"]
    earlier = train_earlier(tmp_path / "earlier", make_spec(space=space, model="my.models:build"))

    _, start = start_of(earlier, space=space, model="my.models:build")

    assert len(start.proposals) == 6
    units = [p["units"] for p in start.proposals if p["cell"] == "lstm"]
    assert {type(u) for u in units} == {int}
    assert len(start.known) == 6


def test_what_holds_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="does not"):
        check_sources(make_spec(design=DESIGN, warm_start=[str(tmp_path)]))


@pytest.mark.parametrize("design", ["grid", {"kind": "search", "sampler": "random", "trials": 9}])
def test_a_design_that_lists_its_settings_starts_cold(design: object) -> None:
    with pytest.raises(StudyError, match="a sampler that learns"):
        make_spec(design=design, warm_start=["studies/quick"])
