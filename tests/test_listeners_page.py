"""docs/listeners.md: its listeners hear what a study says, and the table names all there is to hear."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import study
from study.trial import Assignment, Report
from tests.study.pretend.small_study import pretend_report

PAGE = (Path(__file__).parents[1] / "docs" / "listeners.md").read_text(encoding="utf-8")
PRINTER, WANDB = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SETTING = {"cell": "lstm", "bidirectional": False, "units": 8}


def make_listener(code: str, monkeypatch: pytest.MonkeyPatch) -> study.Listener:
    """The listener that a snippet hands to `study.run`."""
    given: list[study.Listener] = []
    monkeypatch.setattr(study, "run", lambda *arguments, listener, **settings: given.append(listener))
    exec(compile(code, "docs/listeners.md", "exec"), {})  # noqa: S102 - our own page
    (listener,) = given
    return listener


def assign(trial: int) -> Assignment:
    return Assignment(trial=trial, replicate=1, attempt=1, seed=7, params=SETTING)


def test_the_table_names_every_method() -> None:
    named = re.findall(r"^\| `(on_\w+)\(", PAGE, re.MULTILINE)

    assert sorted(named) == sorted(name for name in vars(study.Listener) if name.startswith("on_"))


def test_the_first_listener_prints_epochs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listener = make_listener(PRINTER, monkeypatch)

    listener.on_report(assign(0), pretend_report(assign(0), 1, 3), "running")
    listener.on_report(assign(0), Report(state="failed", reason="lost"), "failed")

    assert re.fullmatch(r"0 1 0\.\d+ running\n", capsys.readouterr().out)


def test_the_listener_for_wandb_keeps_a_run_for_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    def init(**options: Any) -> Any:
        said.append(("init", options["group"], options["config"]))
        return SimpleNamespace(
            log=lambda figures, step: said.append(("log", options["group"], step, figures["val_loss"])),
            finish=lambda exit_code: said.append(("finish", options["group"], exit_code)),
        )

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    listener = make_listener(WANDB, monkeypatch)
    first, second = assign(0), assign(1)
    listener.on_start(first)
    listener.on_start(second)
    report = pretend_report(first, 3, 3)

    listener.on_report(first, report, "completed")
    listener.on_report(second, Report(state="failed", reason="lost"), "failed")

    assert report.figures is not None
    assert said == [
        ("init", "trial-0000", SETTING | {"seed": 7}),
        ("init", "trial-0001", SETTING | {"seed": 7}),
        ("log", "trial-0000", 3, report.figures.val_loss),
        ("finish", "trial-0000", 0),
        ("finish", "trial-0001", 1),
    ]
