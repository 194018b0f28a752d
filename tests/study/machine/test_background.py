from __future__ import annotations

import threading
from pathlib import Path

import pytest

from study.machine.background import Aside, import_aside


def test_it_is_computed_once_on_another_thread() -> None:
    threads: list[int] = []
    aside = Aside(lambda: threads.append(threading.get_ident()) or len(threads))

    aside.begin()

    assert [aside.result(), aside.result()] == [1, 1]
    assert threads[0] != threading.get_ident()


def test_what_nobody_begins_is_not_computed() -> None:
    asked: list[int] = []

    Aside(lambda: asked.append(1))

    assert asked == []


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for() -> None:
    aside: Aside[float] = Aside(lambda: 1 / 0)
    aside.begin()

    with pytest.raises(ZeroDivisionError):
        aside.result()


def test_modules_are_imported_aside_and_one_that_is_not_there_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    monkeypatch.setattr("study.machine.background.told", told, raising=False)
    (tmp_path / "needed_soon.py").write_text(
        "import study.machine.background\nstudy.machine.background.told.set()"
    )
    monkeypatch.syspath_prepend(tmp_path)

    import_aside("needed_soon", "not_there_at_all")

    assert told.wait(10.0)
