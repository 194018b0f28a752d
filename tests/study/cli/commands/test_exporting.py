"""`study export`, as it is typed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from study.cli.entry import main
from tests.study.pretend.legs import run_leg
from tests.study.pretend.small_study import make_spec


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["study", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


def test_events_go_to_a_folder_by_the_studys_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("tensorboard")
    run_leg(tmp_path / "small", make_spec())
    monkeypatch.chdir(tmp_path)

    status = run_command(monkeypatch, "export", "small", "--to", "tensorboard")

    said = capsys.readouterr()
    assert (status, said.out) == (0, "tensorboard/small\n")
    assert said.err == "see it with: tensorboard --logdir tensorboard/small\n"
    assert len(list((tmp_path / "tensorboard/small").glob("trial-*/seed=*/validation/*"))) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["small", "there", "--to", "tensorboard"],
            "there holds something else; name one that does not exist",
        ),
        (["nowhere", "--to", "tensorboard"], "nowhere"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: list[str], said: str
) -> None:
    pytest.importorskip("tensorboard")
    run_leg(tmp_path / "small", make_spec())
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "letter.txt").touch()
    monkeypatch.chdir(tmp_path)

    status = run_command(monkeypatch, "export", *arguments)

    (line,) = capsys.readouterr().err.splitlines()
    assert status == 2
    assert said in line
