from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from search_spaces.documents import dump_document
from study.cli.commands.planning import plan
from study.cli.console import ConsoleListener
from study.cli.options import gather_spec
from study.errors import StudyError
from tests.study.pretend.small_study import SMALL_SPACE


@pytest.fixture
def spec_file(tmp_path: Path) -> str:
    path = tmp_path / "spec.yaml"
    document: dict[str, Any] = {"name": "small", "space": SMALL_SPACE, "design": "grid"}
    path.write_text(dump_document(document))
    return str(path)


def test_a_plan_says_how_much_and_what_for_and_lists_the_settings(
    spec_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(spec_file, seeds=3, listed=True)

    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0] == "- 6 settings under 3 seeds each, 18 runs: every combination of cell and bidirectional."
    )
    assert lines[-1] == "   5  biGRU"
    assert any("Can answer" in line for line in lines)


def test_a_plan_says_what_there_is_of_which_a_container_may_leave_a_part(
    spec_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.machine.capacity.memory_limit", lambda: 10**9)
    monkeypatch.setattr("study.machine.capacity.cpu_quota", lambda: 1.5)

    plan(spec_file)

    assert "- CPUs here: 1; memory: 1.0 GB. `study price` says what" in capsys.readouterr().out


def test_a_plan_warns_of_a_rule_that_can_never_hold(
    spec_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = "space={parameters: {cell: [rnn, gru]}, constraints: [\"cell != 'GRU' or units < 64\"]}"

    plan(spec_file, settings=[rule])

    assert "cell is never \"GRU\": did you mean 'gru'?" in " ".join(capsys.readouterr().out.split())


def test_a_plan_of_a_search_has_no_list(spec_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan(spec_file, settings=["design={trials: 6, scientific: [cell]}"], listed=True)

    said = capsys.readouterr().out
    assert "each of the 3 levels gets 2 settings" in said
    assert "the sampler decides" in said


def test_a_plan_says_what_the_largest_of_unequal_classes_alone_would_reach(
    spec_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.csv"
    rows = [f"text {i},{'rare' if i % 10 == 0 else 'common'}" for i in range(200)]
    texts.write_text("text,label\n" + "\n".join(rows) + "\n")

    plan(spec_file, data_source=str(texts))

    said = " ".join(capsys.readouterr().out.split())
    assert "always saying 'common' is right for 90.0% of the validation texts" in said


def test_a_plan_without_its_texts_is_one_all_the_same(
    spec_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(spec_file, data_source=str(tmp_path / "gone.csv"))

    said = capsys.readouterr().out
    assert "Can answer" in said
    assert "gone.csv" in said


def test_a_plan_refuses_a_sampler_that_cannot_be_had(spec_file: str) -> None:
    with pytest.raises(StudyError, match="No module named 'nowhere'"):
        plan(spec_file, settings=["design={sampler: 'nowhere:Sampler'}"])


def test_options_go_over_the_file_and_settings_over_options(spec_file: str) -> None:
    spec = gather_spec(spec_file, {"seeds": 2, "name": None}, ["seeds=4"])

    assert spec.name == "small"
    assert spec.seeds == 4


def test_the_console_prints_what_a_design_says(capsys: pytest.CaptureFixture[str]) -> None:
    spec = gather_spec("quick", {}, None)

    ConsoleListener(Console(highlight=False), spec).on_design(["Can answer [all]."])

    assert capsys.readouterr().out == "- Can answer [all].\n"


def test_a_parameter_is_found_in_a_space_that_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    space = {"parameters": SMALL_SPACE, "constraints": ["units < 64"]}
    path.write_text(dump_document({"name": "small", "space": space, "design": "grid"}))

    spec = gather_spec(str(path), {}, ["space.units=[16, 32]", "space.constraints=['units < 32']"])

    assert [setting["units"] for setting in spec.design.plan(spec.space, 0) or ()] == [16] * 6
