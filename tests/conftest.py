"""What holds for all tests."""

from __future__ import annotations

import os

# Before NumPy is loaded. The tests' matrices are small: several threads wait for each other longer than they
# compute, the more so on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# The same examples every time: a failure can be repeated, and a busy machine fails nothing.
settings.register_profile(
    "project",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("project")
