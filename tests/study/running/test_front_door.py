"""The calls from Python, their errors and what a signal means to them; the legs themselves are pretended."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest

import study
from analysis.errors import AnalysisError, UnwritableError
from analysis.records.database import DamagedRecordsError
from search_spaces import SpaceError
from study.running.result import StudyResult
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from tests.study.pretend.legs import GRID, run_leg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / GRID.name
    run_leg(path, GRID)
    return path


def pretend(monkeypatch: pytest.MonkeyPatch, verb: str, folder: Path, **changes: Any) -> list[Any]:
    """Let a verb note what it is asked, and end as it is told."""
    asked: list[Any] = []
    end = {"report": None, "interruption": None, "stop_signal": None, "n_failed": 0} | changes

    def leg(*arguments: Any, **options: Any) -> StudyResult:
        asked.extend([*arguments, options])
        return StudyResult(directory=StudyDirectory(folder), **end)

    monkeypatch.setattr(f"study.running.verbs.{verb}", leg)
    return asked


def test_a_run_asks_for_the_spec_of_its_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = pretend(monkeypatch, "run_study", tmp_path)
    listener = study.Listener()

    study.run("quick", name="mine", out=str(tmp_path), listener=listener, address="auto", seeds=2)

    assert asked[0] == study.make_spec("quick", name="mine", seeds=2)
    assert asked[1:] == [tmp_path, {"address": "auto", "listener": listener}]


def test_a_path_may_begin_at_home_at_every_door(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    at_home = f"~/{folder.name}"
    ran, resumed = pretend(monkeypatch, "run_study", folder), pretend(monkeypatch, "resume_study", folder)

    study.run("quick", out="~/studies")
    study.resume(at_home, data="~/moved.csv")

    assert ran[1] == folder.parent / "studies"
    assert resumed[0] == folder
    assert resumed[1]["data"] == str(folder.parent / "moved.csv")
    assert study.open(at_home).path == folder
    assert study.like(at_home).name == f"{folder.name}-again"
    with pytest.raises(study.StudyError, match=re.escape(str(folder.parent / "none"))):
        study.TextClassifier.open("~/none")
    (folder.parent / "mine.yaml").write_text("name: mine\n")
    assert study.make_spec("~/mine.yaml").name == "mine"


@pytest.mark.parametrize("verb", ["resume", "retry", "confirm"])
def test_a_study_is_gone_on_with_by_its_directory_or_its_result(
    verb: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pretend(monkeypatch, f"{verb}_study", folder)

    result = getattr(study, verb)(str(folder))
    getattr(study, verb)(result)

    paths = [argument for argument in asked if isinstance(argument, Path)]
    assert paths == [folder, folder]


def test_a_confirmation_says_how_many_settings_and_seeds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pretend(monkeypatch, "confirm_study", folder)

    study.confirm(folder, top=2, seeds=4)

    assert asked[1]["top"] == 2
    assert asked[1]["n_seeds"] == 4


def test_a_confirmation_of_the_best_of_each_says_of_what(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pretend(monkeypatch, "confirm_study", folder)

    study.confirm(folder, top_per="cell")

    assert (asked[1]["top_per"], asked[1]["top"]) == ("cell", None)


def test_an_extension_takes_the_keywords_of_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, "extend_study", folder)

    study.extend(folder, seeds=5, design={"trials": 9}, training={"max_epochs": 4})

    assert asked[1]["changes"] == {"seeds": 5, "design.trials": 9, "training.max_epochs": 4}


def test_a_study_goes_on_with_texts_that_were_moved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resumed = pretend(monkeypatch, "resume_study", folder)
    extended = pretend(monkeypatch, "extend_study", folder)

    study.resume(folder, data=Path("moved.csv"))
    study.extend(folder, data="moved.csv", seeds=2)

    assert resumed[1]["data"] == "moved.csv"
    assert extended[1]["changes"] == {"data.source": "moved.csv", "seeds": 2}


@pytest.mark.parametrize(
    "settings",
    [
        {"design": {"sampler": "json:JSONEncoder", "trials": 4}},
        {"warm_start": ["nowhere"], "design": {"kind": "search"}},
    ],
)
def test_a_plan_promises_nothing_that_a_run_refuses(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(study.StudyError) as planned:
        study.plan("docstrings", **settings)
    with pytest.raises(study.StudyError) as run:
        study.run("docstrings", out=tmp_path, **settings)

    assert str(planned.value) == str(run.value)


def test_a_plan_says_what_is_likely_a_slip_of_the_pen() -> None:
    said = study.plan("quick", space={"constraints": ["cell != 'lsmt'"]})

    assert said[-1] == "warning: 'cell != \"lsmt\"': cell is never \"lsmt\": did you mean 'lstm'?"


def test_an_extension_of_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(study.StudyError, match="nothing is asked"):
        study.extend(folder)


@pytest.mark.parametrize("verb", ["resume", "retry", "confirm", "extend", "open", "predict"])
def test_a_folder_without_a_study_is_a_study_error_of_one_line(verb: str, tmp_path: Path) -> None:
    arguments = [["text"]] if verb == "predict" else []

    with pytest.raises(study.StudyError) as caught:
        getattr(study, verb)(tmp_path / "none", *arguments)

    assert str(tmp_path / "none") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_another_study_in_the_folder_is_a_study_error(folder: Path) -> None:
    with pytest.raises(study.StudyError, match="already holds another"):
        study.run(StudySpec(name=folder.name), out=folder.parent)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (AnalysisError("a"), study.StudyError),
        (UnwritableError("a"), study.EnvironmentFaultError),
        (DamagedRecordsError("a"), study.IntegrityError),
        (SpaceError("a"), study.StudyError),
    ],
)
def test_what_the_other_packages_refuse_is_a_study_error_of_its_kind(
    theirs: Exception, ours: type[Exception], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise theirs

    monkeypatch.setattr("analysis.load", fail)

    with pytest.raises(ours) as caught:
        study.open(folder)

    assert type(caught.value) is ours
    assert caught.value.__cause__ is theirs


@pytest.mark.parametrize(
    ("verb", "given", "said"),
    [
        *(
            (verb, {"study": None}, "study is a path")
            for verb in ("open", "resume", "retry", "like", "extend")
        ),
        ("predict", {"study": 3, "texts": "a"}, "study is a path"),
        ("run", {"source": "quick", "out": None}, "out is a path"),
        ("learn", {"source": "quick", "out": 3}, "out is a path"),
        ("run", {"source": "quick", "listener": 3}, "listener is a study.Listener, or None: 3 is not"),
        ("run", {"source": "quick", "listener": study.Listener}, "call it: study.Listener()"),
        ("run", {"source": "quick", "address": 3}, "address is text, or None: 3 is not"),
        ("confirm", {"study": "x", "top": "1"}, "top is a whole number from 1 on, or None: '1' is not"),
        ("confirm", {"study": "x", "seeds": None}, "seeds is a whole number from 1 on: None is not"),
        ("dashboard", {"study": "x", "port": "8080"}, "port is a whole number"),
    ],
)
def test_an_argument_of_another_kind_is_a_study_error_of_one_line(
    verb: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(study.StudyError, match=re.escape(said)) as caught:
        getattr(study, verb)(**given)

    assert "\n" not in str(caught.value)


def test_ctrl_c_does_not_let_the_caller_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "resume_study", folder, interruption="signal SIGINT", stop_signal=signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match=r"signal SIGINT.*study\.resume goes on"):
        study.resume(folder)


def test_a_request_to_terminate_ends_the_caller_with_its_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, "resume_study", folder, interruption="signal SIGTERM", stop_signal=signal.SIGTERM)

    with pytest.raises(SystemExit) as caught:
        study.resume(folder)

    assert caught.value.code == 143


def test_a_spent_budget_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "resume_study", folder, interruption="its time budget is spent")

    assert study.resume(folder).interruption == "its time budget is spent"


class Line:
    def __init__(self) -> None:
        self.kept: list[str] = []

    def update(self, text: str) -> None:
        pass

    def keep(self, text: str) -> None:
        self.kept.append(text)


def test_the_line_ends_with_the_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr("study.running.following.find_line", lambda: line)
    pretend(monkeypatch, "resume_study", folder, report=folder / "report" / "index.html")

    study.resume(folder)

    (said,) = line.kept
    assert f"done; report: {folder / 'report' / 'index.html'}" in said


def test_the_line_ends_where_the_leg_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr("study.running.following.find_line", lambda: line)

    with pytest.raises(study.StudyError):
        study.confirm(folder, top_per="nothing")

    assert re.search(r"ended by \w+Error", line.kept[0])


def test_a_listener_replaces_the_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find() -> None:
        raise AssertionError("somebody hears already")

    monkeypatch.setattr("study.running.following.find_line", find)
    asked = pretend(monkeypatch, "resume_study", folder)
    listener = study.Listener()

    study.resume(folder, listener=listener)

    assert asked[1]["listener"] is listener


def test_an_extension_keeps_its_space_and_says_so(folder: Path) -> None:
    for space in ({"units": [8, 16]}, study.Space({"units": [8]})):
        with pytest.raises(study.StudyError, match=r"keeps its space: space(\.units)? would change"):
            study.extend(folder, space=space)


def test_an_unknown_name_comes_with_the_one_that_was_meant() -> None:
    with pytest.raises(AttributeError, match=r"module 'study' has no attribute 'rnu': did you mean 'run'\?"):
        _ = study.rnu


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_folder_in_which_nothing_can_be_made_is_named(folder: Path) -> None:
    with pytest.raises(study.EnvironmentFaultError, match="nothing can be made in /proc; choose another"):
        study.run("recall", out="/proc/x", design={"kind": "random", "trials": 1})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": 3}, "data: takes a mapping of keys to values: 3 is not"),
        ({"training": [1]}, "training: takes a mapping of keys to values: [1] is not"),
        ({"warm_start": 3}, "warm_start: takes a list: 3 is not"),
        ({"name": "a b"}, "'a b' is not; give it another"),
    ],
)
def test_what_is_refused_is_said_in_words_of_ours(given: dict[str, Any], said: str) -> None:
    with pytest.raises(study.StudyError, match=re.escape(said)):
        study.make_spec("quick", **given)


@pytest.mark.parametrize(
    "given",
    [
        {"source": "y" * 300},
        {"source": "quick", "name": "y" * 300},
        {"source": "quick", "space": {"y" * 300: [1]}},
        {"source": "quick", "y" * 300: 1},
        {"source": "quick", "design": "y" * 300},
    ],
)
def test_a_very_long_name_is_not_repeated_whole(given: dict[str, Any]) -> None:
    with pytest.raises(study.StudyError) as caught:
        study.make_spec(**given)

    assert "yyy..." in str(caught.value)
    assert "y" * 61 not in str(caught.value)


def test_a_spec_by_a_name_that_no_file_has_is_one_line() -> None:
    with pytest.raises(study.StudyError, match="File name too long; see `study presets`"):
        study.make_spec(f"{'y' * 300}.yaml")


def test_texts_that_do_not_exist_are_said_not_to(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,x\nb,y\n")

    with pytest.raises(study.DataError, match=r"files that exist: '.*nope\.csv' does not; check it"):
        study.make_spec(tmp_path / "train.csv", data={"test": "nope.csv"})
