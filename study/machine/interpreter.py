"""What Python itself reads from the environment, where the processes of a study could not work under it."""

from __future__ import annotations

import os


def mend_environment() -> None:
    """Let no warning be an error in the processes that this one starts, whatever PYTHONWARNINGS says.

    TensorFlow, Keras and NumPy warn of each other while they work: every run would fail of that.
    """
    if "error" in os.environ.get("PYTHONWARNINGS", ""):
        del os.environ["PYTHONWARNINGS"]
