from __future__ import annotations

import sys

import pyarrow

from analysis.arrow import hold_bytes


def test_arrow_holds_bytes_of_its_own_and_nothing_of_pythons() -> None:
    data = b"text,label\n" * 100
    n_before = sys.getrefcount(data)

    held, shared = hold_bytes(data), pyarrow.BufferReader(data)

    assert held.read() == data
    assert sys.getrefcount(data) == n_before + 1  # that of the one that shares it
    shared.close()
