from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
from analysis.commentary import without_commentary
with without_commentary():
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


@pytest.mark.slow
def test_settings_of_keras_in_a_users_home_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text(
        '{"floatx": "float16", "epsilon": 0.1, "backend": "jax", "image_data_format": "channels_last"}'
    )
    code = (
        "from study.training.backend import load_backend; load_backend(); import keras; c = keras.config\n"
        "print(c.backend(), c.floatx(), c.epsilon(), c.dtype_policy().name)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "tensorflow float32 1e-07 float32\n"
