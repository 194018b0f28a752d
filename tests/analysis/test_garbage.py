from __future__ import annotations

import gc

import pytest

from analysis.garbage import no_collection


def test_nobody_collects_meanwhile_and_whatever_happens_afterwards_as_before() -> None:
    with pytest.raises(ZeroDivisionError), no_collection():
        assert not gc.isenabled()
        1 / 0  # noqa: B018 - stands for what may go wrong meanwhile

    assert gc.isenabled()


def test_where_collecting_was_off_it_stays_off() -> None:
    gc.disable()
    try:
        with no_collection():
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()
