"""TensorBoard's event files; `tests/analysis/exports/test_tensorboard.py` reads real ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from analysis.imports.tools.tensorboard import read_tensorboard


class Chatty(ModuleType):
    """TensorFlow as TensorBoard has it: loaded, and heard, at its first use."""

    def __dir__(self) -> list[str]:
        os.write(2, b"I0000 00:00 port.cc:153] oneDNN custom operations are on.\nE0000 no room\n")
        return []


def test_tensorflow_says_nothing_of_itself_while_event_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    package = "tensorboard"
    compat, processing = ModuleType(f"{package}.compat"), ModuleType(f"{package}.backend.event_processing")
    vars(compat)["tf"] = Chatty("tf")
    vars(processing)["event_accumulator"] = ModuleType("event_accumulator")
    for module in (ModuleType(package), ModuleType(f"{package}.backend"), compat, processing):
        monkeypatch.setitem(sys.modules, module.__name__, module)

    read_tensorboard(tmp_path)

    assert capfd.readouterr().err == "E0000 no room\n"
