from __future__ import annotations

import threading

import pytest

from study.aside import Aside


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
