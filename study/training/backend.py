"""TensorFlow and Keras: loaded without their running commentary, and in half the time where that is safe."""

from __future__ import annotations

import gc
import os
import sys

from analysis.commentary import without_commentary
from analysis.garbage import no_collection
from study.errors import EnvironmentFaultError

_UNUSED = ("matplotlib", "matplotlib.pyplot", "sklearn")
"""Keras loads them where it finds them, for galleries of pictures and for wrappers."""


def silence_backend() -> None:
    """Keep TensorFlow's C++ side from writing to the terminal; call it before TensorFlow is imported.

    Keras is told to run on TensorFlow, whatever its own settings say: nothing here runs on another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"


def import_backend() -> None:
    """Import TensorFlow and Keras into somebody's process, whole, and without their running commentary."""
    silence_backend()
    if "keras" not in sys.modules:
        with without_commentary():
            import keras  # noqa: F401
    _check_backend()


def _check_backend() -> None:
    import keras

    if keras.config.backend() != "tensorflow":
        raise EnvironmentFaultError(
            f"models here run on TensorFlow: this process has loaded Keras on {keras.config.backend()}; "
            "use another process, or load it with KERAS_BACKEND=tensorflow"
        )


def load_backend() -> None:
    """Import TensorFlow and Keras in a process of ours.

    Not in somebody else's, who may want Keras's wrappers of scikit-learn: those are left out here. What is
    loaded stays for good, so that the collector of garbage need not look at it again.
    """
    silence_backend()
    absent = [name for name in _UNUSED if name not in sys.modules]
    sys.modules |= dict.fromkeys(absent)  # type: ignore[arg-type]  # None: an import of it fails
    try:
        with no_collection(), without_commentary():  # half a million objects come, and none goes
            import keras
    finally:
        for name in absent:
            del sys.modules[name]
    _check_backend()
    # A file in the user's home may say otherwise, and figures should not follow from whose home it is.
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_dtype_policy("float32")
    gc.freeze()
