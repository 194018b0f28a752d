"""TensorFlow without its running commentary."""

from __future__ import annotations

import os


def silence_tensorflow() -> None:
    """Keep TensorFlow's C++ side from writing to the terminal; call it before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
