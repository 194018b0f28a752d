from __future__ import annotations

import threading
from pathlib import Path

import pytest

from study.machine.background import Background, import_in_background


def test_it_is_computed_once_on_another_thread() -> None:
    threads: list[int] = []
    background = Background(lambda: threads.append(threading.get_ident()) or len(threads))

    background.begin()

    assert [background.result(), background.result()] == [1, 1]
    assert threads[0] != threading.get_ident()


def test_what_nobody_begins_is_not_computed() -> None:
    asked: list[int] = []

    Background(lambda: asked.append(1))

    assert asked == []


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for() -> None:
    background: Background[float] = Background(lambda: 1 / 0)
    background.begin()

    with pytest.raises(ZeroDivisionError):
        background.result()


def test_modules_are_imported_in_the_background_and_one_that_is_not_there_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    monkeypatch.setattr("study.machine.background.told", told, raising=False)
    (tmp_path / "needed_soon.py").write_text(
        "import study.machine.background\nstudy.machine.background.told.set()"
    )
    monkeypatch.syspath_prepend(tmp_path)

    import_in_background("needed_soon", "not_there_at_all")

    assert told.wait(10.0)
