from __future__ import annotations

import subprocess
import sys

import pytest

LOADING = """
import gc, os, sys
from study.training.backend import load_backend
os.write(2, b"before ")
load_backend()
import keras
assert gc.isenabled() and not {"sklearn", "matplotlib"} & set(sys.modules)
import sklearn
assert keras.ops.add(1, 1) == 2
os.write(2, b"after")
"""

BREAKING = """
import os
from study.training.backend import _without_commentary
with _without_commentary():
    os.write(2, b"I0000 00 port.cc] chatter\\nE0000 no room\\n")
    raise RuntimeError("broken")
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_backend_is_loaded_without_a_word_and_without_what_it_does_not_need() -> None:
    done = run(LOADING)

    assert (done.returncode, done.stderr) == (0, "before after")


def test_what_goes_wrong_while_it_is_loaded_is_said() -> None:
    done = run(BREAKING)

    assert "E0000 no room" in done.stderr
    assert "RuntimeError: broken" in done.stderr
    assert "chatter" not in done.stderr
