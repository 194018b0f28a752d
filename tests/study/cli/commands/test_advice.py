"""What a report says to do next can be done: each command goes through the parser and the plan."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import analysis
import study
from analysis.report.advice import advise
from analysis.statistics.evidence import Evidence
from study.cli.app import main
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.store.growth import grow_spec
from tests.study.pretend.legs import run_leg
from tests.study.pretend.small_study import SMALL_SPACE, make_spec

SPACE = SMALL_SPACE | {"units": [8, 16, 32]}
SEARCH = {"kind": "search", "trials": 12, "scheduler": "asha", "grace_period_epochs": 1}
NOTHING = pd.DataFrame()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_study(**changes: Any) -> Evidence:
    """A study whose runs are best at their second epoch; with none of the reasons to do anything next."""
    spec = make_spec(space=SPACE, keep_models=1, **{"training": {"max_epochs": 3}} | changes)
    run_leg(Path("studies") / spec.name, spec)
    evidence = Evidence(analysis.load(Path("studies") / spec.name))
    know(evidence, against_lines=NOTHING, boundaries=NOTHING, in_the_running=NOTHING)
    levels = pd.DataFrame([{"answer": "better", "factor": "cell", "more": pd.NA, "more_of": ""}])
    return know(evidence, level_verdicts=levels)


def know(evidence: Evidence, **tables: pd.DataFrame) -> Evidence:
    evidence.__dict__.update(tables)  # as its cached properties are kept
    return evidence


def advise_once(evidence: Evidence) -> tuple[str, str]:
    (advice,) = advise(evidence)
    return advice.text, advice.command


def follow(command: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Give the command to the command line; return what the verb behind it was asked."""
    asked = SimpleNamespace()

    def run_study(spec: StudySpec, out: Path, **_: Any) -> None:
        asked.spec, asked.folder = spec, out / spec.name

    def extend_study(path: Path, changes: dict[str, Any], **_: Any) -> None:
        old = StudyDirectory(path).require().read_spec()
        document = old.to_document()
        for key, value in changes.items():
            section, _, last = key.rpartition(".")
            (document[section] if section else document)[last] = value
        asked.spec = grow_spec(old, document)

    def confirm_study(path: Path, **given: Any) -> None:
        StudyDirectory(path).require()
        asked.given = given

    for verb in (run_study, extend_study, confirm_study):
        monkeypatch.setattr(f"study.running.verbs.{verb.__name__}", verb)
    monkeypatch.setattr("study.cli.commands.training.finish", lambda spec, leg: leg())
    program, *arguments = shlex.split(command)
    assert program == "study"
    monkeypatch.setattr(sys, "argv", ["study", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    return asked


def test_nothing_is_to_be_done_where_nothing_calls_for_it(here: Path) -> None:
    assert advise(run_study()) == []


def test_after_asha_more_epochs_are_a_new_study_that_starts_warm(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = run_study(design=SEARCH, training={"max_epochs": 2})

    text, command = advise_once(evidence)
    asked = follow(command, monkeypatch)

    assert "at its best in the last epoch, 2: train longer" in text
    assert command == "study run --like studies/small --name small-4-epochs --set training.max_epochs=4"
    assert asked.spec.training.max_epochs == 4
    assert asked.spec.warm_start == ("studies/small",)
    run_leg(asked.folder, asked.spec)
    best = StudyDirectory(Path("studies/small")).require()
    proposed = study.open("studies/small-4-epochs").trials.iloc[0]
    assert proposed["cell"] == study.open(best.path).best_params["cell"]  # begun with what was best there


def test_without_a_scheduler_the_study_itself_is_extended(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, command = advise_once(run_study(training={"max_epochs": 2}))

    assert command == "study extend studies/small --set training.max_epochs=4"
    assert follow(command, monkeypatch).spec.training.max_epochs == 4


def test_a_study_in_another_folder_has_its_like_beside_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(space=SPACE, design=SEARCH, training={"max_epochs": 2})
    run_leg(here / "my studies" / spec.name, spec)
    evidence = Evidence(analysis.load(here / "my studies" / spec.name))
    know(evidence, against_lines=NOTHING)

    asked = follow(advise(evidence)[0].command, monkeypatch)

    assert asked.folder == here / "my studies" / "small-4-epochs"


def test_a_best_value_at_the_edge_is_looked_beyond(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edge = {"parameter": "units", "end": "upper", "bound": 32, "p_corrected": 0.01, "widen": True}
    evidence = know(run_study(), boundaries=pd.DataFrame([edge]))

    text, command = advise_once(evidence)
    asked = follow(command, monkeypatch)

    assert "towards units 32" in text
    assert asked.spec.space.parameters["units"].choices == (8, 16, 32, 64)
    assert asked.spec.name == "small-wider-units"
    assert asked.spec.design.plan(asked.spec.space, 0) is not None


def test_a_tie_is_confirmed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field = pd.DataFrame({"setting": [0, 1, 2], "may_be_best": [True, True, False]})

    text, command = advise_once(know(run_study(), in_the_running=field))

    assert text.startswith("2 settings may be the best")
    assert follow(command, monkeypatch).given["top"] == 2


def test_a_tie_without_a_sealed_test_split_is_left(here: Path) -> None:
    field = pd.DataFrame({"setting": [0, 1], "may_be_best": [True, True]})
    evidence = know(run_study(), in_the_running=field)
    evidence.facts = evidence.facts.model_copy(update={"n_test": 0})

    assert advise(evidence) == []


LACKING = {
    "factor": "cell",
    "a": "lstm",
    "b": "gru",
    "answer": "not enough runs",
    "more": 2,
    "effect_pp": 3.0,
    "n_units": 4,
}
"""A comparison that more runs would settle."""


@pytest.mark.parametrize(
    ("design", "more_of", "command"),
    [
        ("grid", "seed", "study extend studies/small --seeds 3"),
        ({"kind": "random", "trials": 6, "scientific": ["cell"]}, "setting", "--trials 12"),
    ],
)
def test_where_nothing_is_told_apart_what_is_lacking_is_added(
    here: Path, monkeypatch: pytest.MonkeyPatch, design: Any, more_of: str, command: str
) -> None:
    row = LACKING | {"more_of": more_of}
    evidence = know(run_study(design=design), level_verdicts=pd.DataFrame([row]))

    text, given = advise_once(evidence)

    assert f"2 more {more_of}s would tell LSTM and GRU apart" in text
    assert given.endswith(command)
    follow(given, monkeypatch)


def test_what_does_not_differ_at_all_is_not_said_to_be_told_apart(here: Path) -> None:
    row = LACKING | {"more_of": "seed", "effect_pp": 0.0}
    evidence = know(run_study(), level_verdicts=pd.DataFrame([row]))

    text, _ = advise_once(evidence)

    assert text.endswith("2 more seeds would show whether LSTM and GRU differ by what anybody would act on")


@pytest.mark.parametrize(
    "row",
    [{"more": 76, "more_of": "seed"}, {"more": 2, "more_of": "setting"}, {"more": pd.NA, "more_of": ""}],
)
def test_what_cannot_be_had_or_is_not_worth_it_is_not_advised(here: Path, row: dict[str, Any]) -> None:
    verdict = {"factor": "cell", "a": "lstm", "b": "gru", "answer": "not enough runs"}

    assert advise(know(run_study(), level_verdicts=pd.DataFrame([verdict | row]))) == []


@pytest.mark.parametrize(
    ("early", "trials"),
    [
        ({"n_units": 6, "more": 78}, None),
        ({"n_units": 6, "more": 5}, 6 + 3 * 5),
        ({"n_units": 6, "more": pd.NA, "more_of": ""}, None),  # more of them would not tell
        ({"n_units": 6, "more": 2, "more_of": "seed"}, None),
        ({"n_units": 1, "more": 78}, 6 + 3),
    ],
)
def test_what_more_pairs_of_an_earlier_stage_say_is_lacking_counts(
    here: Path, early: dict[str, Any], trials: int | None
) -> None:
    row = LACKING | {"more_of": "setting"}
    design = {"kind": "random", "trials": 6, "scientific": ["cell"]}
    evidence = know(
        run_study(design=design),
        level_verdicts=pd.DataFrame([row | {"more": 1}]),
        early_level_verdicts=pd.DataFrame([row | {"a": "gru", "b": "lstm"} | early]),
    )

    given = [advice.command for advice in advise(evidence)]

    assert given == ([] if trials is None else [f"study extend studies/small --trials {trials}"])


def test_of_next_to_no_pairs_only_the_least_that_it_takes_is_said(here: Path) -> None:
    row = LACKING | {"more_of": "seed", "n_units": 2, "more": 1}
    evidence = know(run_study(), level_verdicts=pd.DataFrame([row]))

    text, _ = advise_once(evidence)

    assert text.endswith("it takes 1 more seed at least to say whether LSTM and GRU differ")


def test_far_behind_a_line_to_beat_everything_else_can_wait(here: Path) -> None:
    line = {"name": "NB-SVM", "high": -0.07, "answer": "below"}
    tie = pd.DataFrame({"setting": [0, 1], "may_be_best": [True, True]})
    evidence = know(run_study(), against_lines=pd.DataFrame([line]), in_the_running=tie)

    text, command = advise_once(evidence)

    assert text.startswith("Stop here, or bring more texts: NB-SVM is ahead by 7.0 points at least")
    assert command == ""


def test_what_was_not_trained_to_its_end_may_yet_catch_up(here: Path) -> None:
    line = {"name": "NB-SVM", "high": -0.07, "answer": "below"}
    evidence = know(run_study(training={"max_epochs": 2}), against_lines=pd.DataFrame([line]))

    text, _ = advise_once(evidence)

    assert "train longer" in text


def test_what_has_overfitted_since_long_catches_up_with_nothing(here: Path) -> None:
    line = {"name": "NB-SVM", "high": -0.07, "answer": "below"}
    evidence = know(run_study(training={"max_epochs": 2}), against_lines=pd.DataFrame([line]))
    know(evidence, overfitting=evidence.overfitting.assign(onset_epoch=1))

    text, _ = advise_once(evidence)

    assert text.startswith("Stop here")


@pytest.mark.parametrize(
    ("changes", "options", "asked_for"),
    [
        (
            {},
            "--set training.class_weight=balanced --set objective=val_macro_f1",
            ("balanced", "val_macro_f1"),
        ),
        (
            {"training": {"max_epochs": 3, "class_weight": "balanced"}},
            "--set objective=val_macro_f1",
            ("balanced", "val_macro_f1"),
        ),
    ],
)
def test_where_a_class_is_never_predicted_each_is_to_count_alike(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    options: str,
    asked_for: tuple[str, str],
) -> None:
    evidence = run_study(**changes)
    scores = pd.DataFrame({"class": [0, 1], "support": [9, 5], "n_blind": [0, 1]})
    evidence.__dict__.update(judgements=SimpleNamespace(n_replicates=1), class_scores=scores)

    text, command = advise_once(evidence)
    asked = follow(command, monkeypatch)

    assert text.startswith("The best setting never predicts some classes")
    assert command == f"study run --like studies/small --name small-balanced {options}"
    assert (asked.spec.training.class_weight, asked.spec.objective) == asked_for


def test_the_findings_end_with_what_to_do_next(here: Path) -> None:
    run_study(training={"max_epochs": 2})

    finding, *_ = [f.text for f in analysis.summarize(analysis.load("studies/small")) if f.kind == "next"]

    assert re.fullmatch(
        r"Next: The best .*: study extend studies/small --set training\.max_epochs=4", finding
    )


def test_a_study_is_like_one_that_is_there_from_python_too(here: Path) -> None:
    run_study(design=SEARCH)

    spec = study.make_spec(study.like("studies/small"), name="longer", training={"max_epochs": 9})

    assert spec.warm_start == ("studies/small",)
    assert spec.training.max_epochs == 9
    assert spec.space == study.make_spec(study.like("studies/small")).space
    assert study.like("studies/small").name == "small-again"
    assert study.like("studies/small").seed == 1  # else it would draw the same settings again


def test_a_plan_has_nothing_to_start_warm(here: Path) -> None:
    run_study()

    assert study.like("studies/small").warm_start == ()
    assert study.like("studies/small").seed == 0


def test_a_study_is_not_like_two(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    run_study()
    monkeypatch.setattr(sys, "argv", ["study", "plan", "quick", "--like", "studies/small"])

    with pytest.raises(SystemExit) as stopped:
        main()

    assert stopped.value.code == 2
    assert "quick and --like studies/small are two; leave one out" in capsys.readouterr().err
