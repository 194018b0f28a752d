from __future__ import annotations

from collections.abc import Iterator

import pytest

from study.cluster.start_guard import Guard, guard_start


@pytest.fixture
def guard() -> Iterator[Guard]:
    """A guard over what takes no minute."""
    with guard_start(60.0, 60.0, "a test must end") as guard:
        yield guard
